package doctor

import (
	"context"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// checkKernel asks this machine's kernel. Where the containers run on another
// one, checkMachine says so.
func (x *examination) checkKernel(ctx context.Context) []api.Check {
	const id, title = "kernel", "Kernel"
	const why = "what can be loaded depends on its version"
	if x.doctor.opts.Probe == nil {
		x.kernelErr = api.Errorf("probe kernel", "", api.ErrNotSupported, "this machine's own kernel is not used")
		return nil
	}
	x.kernel, x.kernelErr = x.doctor.opts.Probe(ctx)
	if x.kernelErr != nil {
		return []api.Check{fail(id, title, x.kernelErr.Error(), why, "uname -a")}
	}
	found := x.kernel.Release + " " + x.kernel.Machine
	switch major, minor := version(x.kernel.Release); {
	case before(major, minor, 4, 18):
		return []api.Check{fail(id, title, found, "BTF and most of what loaders use came with 4.18", "sudo apt-get install linux-image-amd64")}
	case before(major, minor, 5, 8):
		return []api.Check{warn(id, title, found, "ring buffers and CAP_BPF came with 5.8", "sudo apt-get install linux-image-amd64")}
	default:
		return []api.Check{ok(id, title, found, why)}
	}
}

// version reads the first two numbers of a release: "6.18.44-cloud" is 6, 18.
func version(release string) (major, minor int) {
	first, rest, _ := strings.Cut(release, ".")
	second := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		second = rest[:i]
	}
	major, _ = strconv.Atoi(first)
	minor, _ = strconv.Atoi(second)
	return major, minor
}

func before(major, minor, wantMajor, wantMinor int) bool {
	return major < wantMajor || (major == wantMajor && minor < wantMinor)
}

// checkFeatures looks at what the kernel was built with and how it is set.
func (x *examination) checkFeatures(context.Context) []api.Check {
	if x.kernelErr != nil {
		return nil
	}
	return []api.Check{checkBTF(x.kernel), checkJIT(x.kernel), checkLockdown(x.kernel), checkMemlock(x.kernel)}
}

func checkBTF(k api.Kernel) api.Check {
	const id, title, why = "kernel-btf", "Kernel BTF", "programs find the fields of kernel structures by it (CO-RE)"
	if k.BTF {
		return ok(id, title, "/sys/kernel/btf/vmlinux, "+strconv.FormatInt(k.BTFBytes, 10)+" bytes", why)
	}
	return fail(id, title, "no /sys/kernel/btf/vmlinux", why, "grep CONFIG_DEBUG_INFO_BTF /boot/config-$(uname -r)")
}

func checkJIT(k api.Kernel) api.Check {
	const id, title, why = "jit", "JIT compiler", "without it programs are interpreted, and some kinds do not load"
	switch k.JIT {
	case "on", "always on":
		return ok(id, title, k.JIT, why)
	case "":
		return warn(id, title, "not known: "+unknown(k, "jit"), why, "cat /proc/sys/net/core/bpf_jit_enable")
	default:
		return warn(id, title, k.JIT, why, "sudo sysctl net.core.bpf_jit_enable=1")
	}
}

func checkLockdown(k api.Kernel) api.Check {
	const id, title, why = "lockdown", "Lockdown", "confidentiality keeps programs from reading kernel memory"
	switch k.Lockdown {
	case "confidentiality":
		return warn(id, title, k.Lockdown, "tracing programs that read kernel memory are refused; it is set at boot",
			"sudo sed -i 's/ *lockdown=confidentiality//' /etc/default/grub && sudo update-grub")
	case "":
		return ok(id, title, "none: this kernel has no lockdown", why)
	default:
		return ok(id, title, k.Lockdown, why)
	}
}

func checkMemlock(k api.Kernel) api.Check {
	const id, title, why = "memlock", "Locked memory", "before Linux 5.11 maps and programs count against this limit"
	major, minor := version(k.Release)
	if k.Memlock == "unlimited" || !before(major, minor, 5, 11) {
		return ok(id, title, k.Memlock, why)
	}
	return warn(id, title, k.Memlock, why, "ulimit -l unlimited")
}

// checkMounts looks at the kernel's file systems on this machine. A dev
// container brings its own, so here they are only worth a warning.
func (x *examination) checkMounts(context.Context) []api.Check {
	if x.kernelErr != nil {
		return nil
	}
	k := x.kernel
	mount := func(id, title, why, fix string, m api.Mount) api.Check {
		if m.Mounted {
			return ok(id, title, m.Path, why)
		}
		found := "not mounted at " + m.Path
		if m.Problem != "" {
			found = m.Path + ": " + m.Problem
		}
		if !x.inside() && x.doctor.opts.Engine != nil {
			why += "; a dev container brings its own"
		}
		return warn(id, title, found, why, fix)
	}
	return []api.Check{
		mount(idBPFFS, "BPF file system", "pinned programs and maps live there", "sudo "+mountBPFFS().String(), k.BPFFS),
		mount(idTraceFS, "Trace file system", "tracepoints and bpf_printk's output are there", "sudo "+mountTraceFS().String(), k.TraceFS),
		mount("cgroup2", "cgroup2", "cgroup programs attach to its folders",
			"sudo mkdir -p /run/cgroup2 && sudo mount -t cgroup2 none /run/cgroup2", k.Cgroup2),
	}
}

// unknown says why a fact of the kernel could not be found out.
func unknown(k api.Kernel, name string) string {
	for _, u := range k.Unknown {
		if u.Name == name {
			return u.Why
		}
	}
	return "the kernel does not say"
}
