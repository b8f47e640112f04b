package docker

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// CreateContainer creates a container. engine.Scratch is made when it is not
// there.
func (e *Engine) CreateContainer(ctx context.Context, spec engine.ContainerSpec) (string, error) {
	const op = "create container"
	object := spec.Name
	if object == "" {
		object = "of " + spec.Image
	}
	if spec.Image == engine.Scratch && len(spec.Entrypoint)+len(spec.Cmd) == 0 {
		spec.Cmd = []string{"/"} // the engine refuses a container without a command
	}
	cfg, host, err := createConfig(spec)
	if err != nil {
		return "", api.E(op, object, "", err)
	}
	for tries := scratchTries; ; tries-- {
		if spec.Image == engine.Scratch {
			if err := e.ensureScratch(ctx); err != nil {
				return "", err
			}
		}
		res, err := e.api.ContainerCreate(ctx, client.ContainerCreateOptions{Name: spec.Name, Config: cfg, HostConfig: host})
		if err == nil {
			return res.ID, nil
		}
		err = e.fault(ctx, op, object, err)
		if spec.Image != engine.Scratch || tries <= 1 || api.KindOf(err) != api.ErrNotExist {
			return "", err
		}
	}
}

// scratchTries is how often a container of engine.Scratch is tried: whoever used
// that image last removes it, perhaps just before it is used again.
const scratchTries = 10

// ensureScratch imports the empty image.
func (e *Engine) ensureScratch(ctx context.Context) error {
	_, err := e.InspectImage(ctx, engine.Scratch)
	if api.KindOf(err) != api.ErrNotExist {
		return err
	}
	// A tar ends with two blocks of zeros; this one has nothing before them.
	empty := bytes.NewReader(make([]byte, 1024))
	_, err = e.ImportImage(ctx, engine.Scratch, map[string]string{"dev.ebpfdev.scratch": "true"}, empty)
	return err
}

// createConfig translates a specification into the API's two halves.
func createConfig(spec engine.ContainerSpec) (*container.Config, *container.HostConfig, error) {
	cfg := &container.Config{
		Image: spec.Image, Entrypoint: spec.Entrypoint, Cmd: spec.Cmd, Env: spec.Env, User: spec.User,
		WorkingDir: spec.WorkingDir, Hostname: spec.Hostname, Labels: spec.Labels,
	}
	host := &container.HostConfig{
		Privileged: spec.Privileged, CapAdd: spec.CapAdd, CapDrop: spec.CapDrop,
		PidMode: container.PidMode(spec.PIDMode), NetworkMode: container.NetworkMode(spec.NetworkMode),
		IpcMode: container.IpcMode(spec.IPCMode), CgroupnsMode: container.CgroupnsMode(spec.CgroupNS),
		UsernsMode: container.UsernsMode(spec.UsernsMode), Runtime: spec.Runtime,
		ShmSize: spec.ShmSize, Tmpfs: spec.Tmpfs, Sysctls: spec.Sysctls,
		ExtraHosts: spec.ExtraHosts, GroupAdd: spec.GroupAdd, AutoRemove: spec.AutoRemove,
	}
	if host.NetworkMode == "" {
		host.NetworkMode = "default"
	}
	if spec.Init {
		host.Init = &spec.Init
	}
	for _, m := range spec.Mounts {
		host.Mounts = append(host.Mounts, mountOf(m))
	}
	for _, step := range []func(engine.ContainerSpec, *container.Config, *container.HostConfig) error{
		addSecurity, addDevices, addLimits, addNetwork,
	} {
		if err := step(spec, cfg, host); err != nil {
			return nil, nil, err
		}
	}
	return cfg, host, nil
}

// mountOf translates a mount.
func mountOf(m engine.Mount) mount.Mount {
	out := mount.Mount{
		Type: mount.Type(m.Type), Source: m.Source, Target: m.Target,
		ReadOnly: m.ReadOnly, Consistency: mount.Consistency(m.Consistency),
	}
	switch out.Type {
	case mount.TypeBind:
		if m.Propagation != "" {
			out.BindOptions = &mount.BindOptions{Propagation: mount.Propagation(m.Propagation)}
		}
	case mount.TypeVolume:
		opts := &mount.VolumeOptions{NoCopy: m.NoCopy, Labels: m.Labels}
		if len(m.VolumeOpts) > 0 {
			opts.DriverConfig = &mount.Driver{Name: "local", Options: m.VolumeOpts}
		}
		out.VolumeOptions = opts
	case mount.TypeTmpfs:
		if m.TmpfsSize > 0 {
			out.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: m.TmpfsSize}
		}
	}
	return out
}

// addSecurity does what the docker command does on its side: "systempaths" is
// two empty lists, and a seccomp profile is sent as text, not as a path.
func addSecurity(spec engine.ContainerSpec, _ *container.Config, host *container.HostConfig) error {
	for _, opt := range spec.SecurityOpt {
		name, value, ok := strings.Cut(opt, "=")
		if !ok {
			name, value, ok = strings.Cut(opt, ":")
		}
		switch {
		case !ok && name != "no-new-privileges":
			return api.Errorf("read security option", opt, api.ErrUsage, "not NAME=VALUE")
		case name == "systempaths" && value == "unconfined":
			host.MaskedPaths, host.ReadonlyPaths = []string{}, []string{}
			continue
		case name == "seccomp" && value != "unconfined" && value != "builtin" && !strings.HasPrefix(value, "{"):
			profile, err := os.ReadFile(value)
			if err != nil {
				return api.E("read seccomp profile", value, api.ErrUsage, err)
			}
			value = string(profile)
		}
		if ok {
			opt = name + "=" + value
		}
		host.SecurityOpt = append(host.SecurityOpt, opt)
	}
	return nil
}

// addDevices maps devices and GPUs. "*" is a cgroup rule: any device may be
// used, nodes are up to mounts.
func addDevices(spec engine.ContainerSpec, _ *container.Config, host *container.HostConfig) error {
	for _, d := range spec.Devices {
		if d == "*" {
			host.DeviceCgroupRules = append(host.DeviceCgroupRules, "a *:* rwm")
			continue
		}
		parts := strings.Split(d, ":")
		dev := container.DeviceMapping{PathOnHost: parts[0], PathInContainer: parts[0], CgroupPermissions: "rwm"}
		switch {
		case parts[0] == "" || len(parts) > 3:
			return api.Errorf("read device", d, api.ErrUsage, "not PATH[:PATH][:PERMISSIONS]")
		case len(parts) == 3:
			dev.PathInContainer, dev.CgroupPermissions = parts[1], parts[2]
		case len(parts) == 2 && strings.HasPrefix(parts[1], "/"):
			dev.PathInContainer = parts[1]
		case len(parts) == 2:
			dev.CgroupPermissions = parts[1]
		}
		host.Devices = append(host.Devices, dev)
	}
	if spec.GPUs == "" {
		return nil
	}
	req := container.DeviceRequest{Capabilities: [][]string{{"gpu"}}, Count: -1}
	if ids, ok := strings.CutPrefix(spec.GPUs, "device="); ok {
		req.Count, req.DeviceIDs = 0, strings.Split(ids, ",")
	} else if spec.GPUs != "all" {
		n, err := strconv.Atoi(spec.GPUs)
		if err != nil {
			return api.Errorf("read gpus", spec.GPUs, api.ErrUsage, `not "all", a number or "device=ID,…"`)
		}
		req.Count = n
	}
	host.DeviceRequests = append(host.DeviceRequests, req)
	return nil
}

// addLimits parses ulimits: NAME=SOFT[:HARD], -1 for none.
func addLimits(spec engine.ContainerSpec, _ *container.Config, host *container.HostConfig) error {
	for _, u := range spec.Ulimits {
		name, value, _ := strings.Cut(u, "=")
		softText, hardText, two := strings.Cut(value, ":")
		if !two {
			hardText = softText
		}
		soft, err := strconv.ParseInt(softText, 10, 64)
		hard, err2 := strconv.ParseInt(hardText, 10, 64)
		if name == "" || err != nil || err2 != nil {
			return api.Errorf("read ulimit", u, api.ErrUsage, "not NAME=SOFT[:HARD]")
		}
		host.Ulimits = append(host.Ulimits, &container.Ulimit{Name: name, Soft: soft, Hard: hard})
	}
	return nil
}

// addNetwork adds name servers and published ports.
func addNetwork(spec engine.ContainerSpec, cfg *container.Config, host *container.HostConfig) error {
	for _, s := range spec.DNS {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return api.Errorf("read DNS server", s, api.ErrUsage, "not an address")
		}
		host.DNS = append(host.DNS, addr)
	}
	for _, p := range spec.Ports {
		if err := publish(p, cfg, host); err != nil {
			return err
		}
	}
	return nil
}
