package doctor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// fixCommand repairs what Plan can repair.
const fixCommand = "ebpfdev doctor --fix"

// checkEngine looks for an engine that we may talk to.
func (x *examination) checkEngine(ctx context.Context) []api.Check {
	const title, why = "Container engine", "projects are built and loaded in a container"
	if x.doctor.opts.Engine == nil {
		return nil
	}
	e, err := x.doctor.opts.Engine(ctx)
	if err == nil {
		x.engine = e
		if x.info, err = e.Info(ctx); err != nil {
			x.close()
			x.engine = nil
		}
	}
	if err != nil {
		if x.inside() {
			return []api.Check{ok(idEngine, title, "none, and none is needed in a container", why)}
		}
		fix := api.HintOf(err)
		if fix == "" || strings.HasPrefix(fix, "ebpfdev doctor") {
			fix = x.doctor.engineFix()
		}
		return []api.Check{fail(idEngine, title, err.Error(), why, fix)}
	}
	found := fmt.Sprintf("%s %s (API %s) at %s", x.info.Name, x.info.Version, x.info.APIVersion, x.info.Host)
	switch {
	case x.info.OS != "linux":
		return []api.Check{fail(idEngine, title, found+", running "+x.info.OS+" containers", "BPF is Linux's", "docker context ls")}
	case x.info.Insecure:
		return []api.Check{warn(idEngine, title, found+", without TLS", "whoever reaches that port is root there", "export DOCKER_HOST=unix:///var/run/docker.sock")}
	case x.info.Rootless:
		return []api.Check{warn(idEngine, title, found+", rootless", "its containers cannot load programs: bpf(2) asks for capabilities of the whole machine",
			"docker context use default")}
	default:
		return []api.Check{ok(idEngine, title, found, why)}
	}
}

// engineFix is a command for a person where nothing better is known.
func (d *Doctor) engineFix() string {
	if d.canInstall() {
		return fixCommand
	}
	switch {
	case d.chosen():
		return "unset DOCKER_HOST DOCKER_CONTEXT"
	case d.machine.apt && !d.machine.root:
		return "sudo " + fixCommand
	case runtime.GOOS == "linux":
		return "sudo systemctl enable --now docker"
	default:
		return "docker context ls"
	}
}

// checkMachine tells whether containers run on another kernel than ours.
func (x *examination) checkMachine(context.Context) []api.Check {
	const id, title = "engine-machine", "Machine boundary"
	const why = "programs load into the kernel that the containers run on"
	if x.engine == nil {
		return nil
	}
	switch other := x.info.Desktop || (x.kernel.Release != "" && x.kernel.Release != x.info.Kernel); {
	case x.info.Arch != runtime.GOARCH:
		return []api.Check{warn(id, title, fmt.Sprintf("the engine runs on %s, this program on %s", x.info.Arch, runtime.GOARCH),
			"an emulated container cannot call bpf(2)", "docker run --rm "+x.doctor.opts.BaseImages[0]+" uname -m")}
	case other:
		return []api.Check{warn(id, title, "the containers have a kernel of their own, "+x.info.Kernel, why+"; it sees nothing of this machine's processes and network",
			"docker info --format '{{.OperatingSystem}} {{.KernelVersion}}'")}
	default:
		return []api.Check{ok(id, title, "containers run on this machine's kernel, "+x.info.Kernel, why)}
	}
}

// checkBaseImages looks for the images that Dockerfiles begin with.
func (x *examination) checkBaseImages(ctx context.Context) []api.Check {
	const title, why = "Base image", "the dev container's image is built on it"
	if x.doctor.opts.Engine == nil || x.inside() {
		return nil
	}
	var checks []api.Check
	for _, ref := range x.doctor.opts.BaseImages {
		if x.engine == nil {
			checks = append(checks, fail(idBaseImage, title, ref+": no engine to ask", why, x.doctor.engineFix()))
			continue
		}
		img, err := x.engine.InspectImage(ctx, ref)
		switch {
		case api.KindOf(err) == api.ErrNotExist:
			checks = append(checks, warn(idBaseImage, title, ref+" is not here yet", why+"; it is pulled when it is needed, or made from packages where no registry answers", fixCommand))
		case err != nil:
			checks = append(checks, fail(idBaseImage, title, ref+": "+err.Error(), why, fixCommand))
		case img.Labels[baseLabel] == baseLocal:
			checks = append(checks, ok(idBaseImage, title, ref+", made here from the distribution's packages", why))
		default:
			checks = append(checks, ok(idBaseImage, title, ref, why))
		}
	}
	return checks
}

// checkPrivileged starts a container and looks at what it was granted. It uses
// a base image that is there, or an image with nothing in it.
func (x *examination) checkPrivileged(ctx context.Context) []api.Check {
	const id, title = "engine-privileged", "Privileged containers"
	const why = "loading and attaching programs asks for capabilities"
	if x.engine == nil {
		return nil
	}
	for _, ref := range x.doctor.opts.BaseImages {
		if img, err := x.engine.InspectImage(ctx, ref); err == nil && img.Arch == x.info.Arch {
			x.base = ref
			break
		}
	}
	spec := engine.ContainerSpec{
		Image: x.base, Privileged: true, NetworkMode: "none",
		Labels: map[string]string{"dev.ebpfdev.doctor": "true"},
	}
	if x.base == "" {
		return []api.Check{x.tryEmpty(ctx, spec, id, title, why)}
	}
	caps, err := engine.Granted(ctx, x.engine, spec)
	note := "start"
	if errors.Is(err, engine.ErrCapabilities) {
		note = "start only with the capabilities that the engine has"
		caps, err = x.grantedWithout(ctx, spec)
	}
	if err != nil {
		return []api.Check{fail(id, title, err.Error(), why, "docker run --rm --privileged "+x.base+" true")}
	}
	missing := engine.MissingCapabilities(engine.CapabilitiesOf(x.info), caps)
	return []api.Check{
		ok(id, title, note, why),
		capabilityCheck(missing),
	}
}

// grantedWithout starts a container that asks for what the engine has, one by
// one, instead of for everything.
func (x *examination) grantedWithout(ctx context.Context, spec engine.ContainerSpec) ([]string, error) {
	caps, err := engine.Grantable(ctx, x.engine, x.base)
	if err != nil {
		return nil, err
	}
	return engine.Granted(ctx, x.engine, engine.WithoutPrivileged(spec, caps))
}

// tryEmpty starts a privileged container without a file in it. That it finds
// nothing to run is what comes after the capabilities were granted.
func (x *examination) tryEmpty(ctx context.Context, spec engine.ContainerSpec, id, title, why string) api.Check {
	_, err := x.engine.InspectImage(ctx, engine.Scratch)
	ours := api.KindOf(err) == api.ErrNotExist
	spec.Image, spec.Entrypoint = engine.Scratch, []string{"/nothing"}
	container, err := x.engine.CreateContainer(ctx, spec)
	if err == nil {
		err = x.engine.StartContainer(ctx, container)
		_ = x.engine.RemoveContainer(context.WithoutCancel(ctx), container)
	}
	if ours {
		_ = x.engine.RemoveImage(context.WithoutCancel(ctx), engine.Scratch)
	}
	switch {
	case errors.Is(err, engine.ErrCapabilities):
		return warn(id, title, "the engine cannot grant all capabilities; which ones is known once the base image is here", why, fixCommand)
	case err == nil, strings.Contains(err.Error(), "/nothing"):
		return ok(id, title, "start", why)
	default:
		return fail(id, title, err.Error(), why, "docker info")
	}
}

// capabilityCosts says what a container cannot do without a capability.
func capabilityCosts() [][2]string {
	return [][2]string{
		{"CAP_SYS_ADMIN", "ids of programs, maps and links cannot be listed; before Linux 5.8 nothing loads"},
		{"CAP_BPF", "nothing loads without CAP_SYS_ADMIN"},
		{"CAP_PERFMON", "tracing programs do not load without CAP_SYS_ADMIN"},
		{"CAP_NET_ADMIN", "XDP, TC and cgroup network programs do not attach"},
		{"CAP_SYS_PTRACE", "processes of others cannot be looked into"},
		{"CAP_SYS_RESOURCE", "limits cannot be raised: before Linux 5.11 large maps need a higher memlock limit"},
	}
}

// capabilityCheck says what is missing and what that costs.
func capabilityCheck(missing []string) api.Check {
	const id, title = "engine-capabilities", "Capabilities"
	if len(missing) == 0 {
		return ok(id, title, "all are granted", "a privileged container can load, attach and inspect everything")
	}
	var costs []string
	state := api.CheckWarn
	for _, c := range capabilityCosts() {
		for _, m := range missing {
			if m != c[0] {
				continue
			}
			costs = append(costs, c[1])
			if m == "CAP_SYS_ADMIN" {
				state = api.CheckFail
			}
		}
	}
	why := strings.Join(costs, "; ")
	if why == "" {
		why = "BPF needs none of these"
	}
	return api.Check{
		ID: id, Title: title, State: state, Found: "missing: " + strings.Join(missing, ", "), Why: why,
		Fix: "grep CapBnd /proc/1/status",
	}
}
