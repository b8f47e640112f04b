package probe

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Kernel looks at the kernel and its mounts and tries what it can do, by loading
// programs that are attached to nothing and creating maps that are gone again.
// It changes nothing and never fails: what can't be found out is in Unknown.
func Kernel(ctx context.Context) api.Kernel {
	p := &prober{config: kernelConfig()}
	p.system()
	p.mounts()
	p.k.JIT = p.jit()
	p.k.Lockdown = p.lockdown()
	p.k.Unprivileged = p.unprivileged()
	p.k.Memlock = p.memlock()
	p.k.Caps = p.capabilities()
	p.k.Headers = headers(p.k.Release)
	p.k.Container = inContainer()
	p.k.HostPID = p.hostPID()
	p.features(ctx)
	return p.k
}

// prober collects facts.
type prober struct {
	k      api.Kernel
	config map[string]string
}

func (p *prober) unknown(name, why string) {
	p.k.Unknown = append(p.k.Unknown, api.UnknownFact{Name: name, Why: why})
}

func (p *prober) system() {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		p.unknown("release", err.Error())
	}
	p.k.Release = unix.ByteSliceToString(u.Release[:])
	p.k.Version = unix.ByteSliceToString(u.Version[:])
	p.k.Machine = unix.ByteSliceToString(u.Machine[:])
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		p.unknown("cpus", err.Error())
	}
	p.k.CPUs = cpus

	// A stat is not enough: the file must be readable.
	f, err := os.Open("/sys/kernel/btf/vmlinux")
	if err != nil {
		if !os.IsNotExist(err) {
			p.unknown("btf", err.Error())
		}
		return
	}
	defer f.Close()
	p.k.BTF = true
	if st, err := f.Stat(); err == nil {
		p.k.BTFBytes = st.Size()
	}
}

// jit tells whether programs are compiled. The setting is only shown in the
// first network namespace; elsewhere a loaded program tells.
func (p *prober) jit() string {
	if p.config["CONFIG_BPF_JIT_ALWAYS_ON"] == "y" {
		return "always on"
	}
	data, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	if err == nil {
		if strings.TrimSpace(string(data)) == "0" {
			return "off"
		}
		return "on"
	}
	compiled, err2 := compiles()
	switch {
	case err2 != nil:
		p.unknown("jit", err.Error())
		return ""
	case compiled:
		return "on"
	default:
		return "off"
	}
}

// compiles loads a program and looks whether it has machine code.
func compiles() (bool, error) {
	prog, err := ebpf.NewProgram(tiny(ebpf.SocketFilter))
	if err != nil {
		return false, err
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return false, err
	}
	size, err := info.JitedSize()
	return size > 0, err
}

// lockdown reads the state from securityfs or, where that is not mounted, what
// the kernel was built and started with.
func (p *prober) lockdown() string {
	data, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err == nil {
		if _, rest, ok := strings.Cut(string(data), "["); ok {
			state, _, _ := strings.Cut(rest, "]")
			return state
		}
	}
	if cmdline, err := os.ReadFile("/proc/cmdline"); err == nil {
		for word := range strings.FieldsSeq(string(cmdline)) {
			if state, ok := strings.CutPrefix(word, "lockdown="); ok {
				return state
			}
		}
	}
	switch {
	case p.config["CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY"] == "y":
		return "confidentiality"
	case p.config["CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY"] == "y":
		return "integrity"
	case p.config != nil && p.config["CONFIG_SECURITY_LOCKDOWN_LSM"] == "":
		return "none"
	default:
		p.unknown("lockdown", "securityfs is not mounted at /sys/kernel/security")
		return ""
	}
}

func (p *prober) unprivileged() string {
	data, err := os.ReadFile("/proc/sys/kernel/unprivileged_bpf_disabled")
	if err != nil {
		p.unknown("unprivileged_bpf", err.Error())
		return ""
	}
	switch v := strings.TrimSpace(string(data)); v {
	case "0":
		return "allowed"
	case "1":
		return "disabled for good"
	case "2":
		return "disabled"
	default:
		p.unknown("unprivileged_bpf", "kernel.unprivileged_bpf_disabled is "+v)
		return ""
	}
}

func (p *prober) memlock() string {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		p.unknown("memlock", err.Error())
		return ""
	}
	if limit.Cur == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return strconv.FormatUint(limit.Cur, 10)
}

// capabilityNames are the capabilities that BPF work asks for, by number.
func capabilityNames() []struct {
	bit  int
	name string
} {
	return []struct {
		bit  int
		name string
	}{
		{unix.CAP_BPF, "CAP_BPF"},
		{unix.CAP_PERFMON, "CAP_PERFMON"},
		{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		{unix.CAP_NET_RAW, "CAP_NET_RAW"},
		{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
		{unix.CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
		{unix.CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"},
		{unix.CAP_IPC_LOCK, "CAP_IPC_LOCK"},
		{unix.CAP_SYSLOG, "CAP_SYSLOG"},
		{unix.CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"},
		{unix.CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE"},
	}
}

// capabilities reads the effective set of this process.
func (p *prober) capabilities() []string {
	caps := []string{}
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		p.unknown("caps", err.Error())
		return caps
	}
	_, rest, ok := bytes.Cut(data, []byte("\nCapEff:\t"))
	digits, _, _ := bytes.Cut(rest, []byte("\n"))
	set, err := strconv.ParseUint(string(digits), 16, 64)
	if !ok || err != nil {
		p.unknown("caps", "/proc/self/status has no CapEff")
		return caps
	}
	for _, c := range capabilityNames() {
		if set>>c.bit&1 == 1 {
			caps = append(caps, c.name)
		}
	}
	return caps
}

// hostPID: the first pid namespace has a number that is part of the kernel's
// interface to user space (PROC_PID_INIT_INO).
func (p *prober) hostPID() bool {
	const first = "pid:[4026531836]"
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err == nil {
		return ns == first
	}
	// Only the whole machine has kernel threads.
	comm, err := os.ReadFile("/proc/2/comm")
	if err != nil {
		p.unknown("host_pid", err.Error())
		return false
	}
	return strings.TrimSpace(string(comm)) == "kthreadd"
}
