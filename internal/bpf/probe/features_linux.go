package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// feature is something to try. try returns nil when it is there, errInconclusive
// when it can't tell, and else why it is not there.
type feature struct {
	name string
	try  func() error
}

func (p *prober) list() []feature {
	return []feature{
		{"kprobe", func() error { return probeType(ebpf.Kprobe, "kprobe") }},
		{"kprobe_multi", func() error { return multi(features.HaveBPFLinkKprobeMulti, "Linux 5.18 with fprobes") }},
		{"uprobe", func() error { return probeType(ebpf.Kprobe, "uprobe") }},
		{"uprobe_multi", func() error { return multi(features.HaveBPFLinkUprobeMulti, "Linux 6.6 with uprobes") }},
		{"tracepoint", func() error { return features.HaveProgramType(ebpf.TracePoint) }},
		{"raw_tracepoint", func() error { return features.HaveProgramType(ebpf.RawTracepoint) }},
		{"tp_btf", func() error { return load(tracing(ebpf.AttachTraceRawTp, "sched_process_exec")) }},
		{"fentry", fentry},
		{"perf_event", func() error { return features.HaveProgramType(ebpf.PerfEvent) }},
		{"xdp", func() error { return features.HaveProgramType(ebpf.XDP) }},
		{"tc", func() error { return features.HaveProgramType(ebpf.SchedCLS) }},
		{"tcx", tcx},
		{"cgroup", func() error { return features.HaveProgramType(ebpf.CGroupSKB) }},
		{"lsm", p.lsm},
		{"ringbuf", func() error { return features.HaveMapType(ebpf.RingBuf) }},
		{"batch map operations", batch},
		{"links of perf events", perfLink},
		{"sched_ext", func() error { return present("/sys/kernel/sched_ext") }},
	}
}

func (p *prober) features(ctx context.Context) {
	for _, f := range p.list() {
		if err := ctx.Err(); err != nil {
			p.unknown(f.name, err.Error())
			continue
		}
		switch err := f.try(); {
		case err == nil:
			p.k.Features = append(p.k.Features, api.Feature{Name: f.name, Available: true})
		case errors.Is(err, errInconclusive):
			p.unknown(f.name, reason(err))
		case errors.Is(err, unix.EPERM) && !p.privileged():
			p.unknown(f.name, "not permitted; it takes CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, or CAP_SYS_ADMIN")
		case errors.Is(err, unix.EPERM):
			p.k.Features = append(p.k.Features, api.Feature{Name: f.name, Reason: "the kernel refuses it: operation not permitted"})
		default:
			p.k.Features = append(p.k.Features, api.Feature{Name: f.name, Reason: reason(err)})
		}
	}
}

// privileged reports whether no capability can be what is missing.
func (p *prober) privileged() bool {
	has := func(name string) bool { return slices.Contains(p.k.Caps, name) }
	return has("CAP_SYS_ADMIN") || has("CAP_BPF") && has("CAP_PERFMON") && has("CAP_NET_ADMIN")
}

// reason makes one line of an error.
func reason(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

var (
	// errInconclusive: nothing here tells whether the kernel can do it.
	errInconclusive = errors.New("can't be found out here")
	// errMissing: the kernel was built without it.
	errMissing = errors.New("the kernel does not have it")
)

// tiny is a program that does nothing.
func tiny(t ebpf.ProgramType) *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{
		Name: "ebpfdev_probe", Type: t, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	}
}

func tracing(attach ebpf.AttachType, to string) *ebpf.ProgramSpec {
	spec := tiny(ebpf.Tracing)
	spec.AttachType, spec.AttachTo = attach, to
	return spec
}

func load(spec *ebpf.ProgramSpec) error {
	prog, err := ebpf.NewProgram(spec)
	if err != nil {
		return err
	}
	return prog.Close()
}

func present(path string) error {
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return errMissing
	} else if err != nil {
		return err
	}
	return nil
}

// probeType loads a program for probes and looks whether there is something to
// attach it to: kprobes and uprobes share a type of program, and each can be
// left out of a kernel.
func probeType(t ebpf.ProgramType, pmu string) error {
	if err := features.HaveProgramType(t); err != nil {
		return err
	}
	if err := present("/sys/bus/event_source/devices/" + pmu); err == nil {
		return nil
	}
	// Before Linux 4.17 they were made in tracefs only.
	if present("/sys/kernel/tracing/"+pmu+"_events") == nil || present("/sys/kernel/debug/tracing/"+pmu+"_events") == nil {
		return nil
	}
	if present("/sys/bus/event_source/devices") != nil {
		return fmt.Errorf("%w: sysfs is not mounted", errInconclusive)
	}
	return fmt.Errorf("the kernel was built without %ss", pmu)
}

// multi tries a link to many functions at once.
func multi(try func() error, needs string) error {
	err := try()
	if errors.Is(err, ebpf.ErrNotSupported) {
		return errors.New("it needs " + needs)
	}
	return err
}

// fentry attaches to a function that the kernel only calls in its own tests, as
// some kernels load such programs and can't attach them.
func fentry() error {
	prog, err := ebpf.NewProgram(tracing(ebpf.AttachTraceFEntry, "bpf_fentry_test1"))
	if err != nil {
		return err
	}
	defer prog.Close()
	l, err := link.AttachTracing(link.TracingOptions{Program: prog})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("the kernel loads such programs and refuses to attach them (%s)", reason(err))
	}
	if err != nil {
		return err
	}
	return l.Close()
}

// tcx asks what is attached to the loopback interface (Linux 6.6).
func tcx() error {
	const loopback = 1
	_, err := link.QueryPrograms(link.QueryOptions{Target: loopback, Attach: ebpf.AttachTCXIngress})
	if errors.Is(err, unix.EINVAL) {
		return errors.New("it needs Linux 6.6")
	}
	return err
}

// lsm reads which security modules are active; a program is not loaded for it.
func (p *prober) lsm() error {
	active := ""
	if data, err := os.ReadFile("/sys/kernel/security/lsm"); err == nil {
		active = strings.TrimSpace(string(data))
	} else if p.config == nil {
		return fmt.Errorf("%w: securityfs is not mounted at /sys/kernel/security", errInconclusive)
	} else {
		if p.config["CONFIG_BPF_LSM"] != "y" {
			return errors.New("the kernel was built without CONFIG_BPF_LSM")
		}
		active = p.config["CONFIG_LSM"]
	}
	if !slices.Contains(strings.Split(active, ","), "bpf") {
		return fmt.Errorf("bpf is not among the active security modules (%s): start the kernel with lsm=%s,bpf", active, active)
	}
	return nil
}

// batch reads an empty map (Linux 5.6).
func batch() error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "ebpfdev_probe", Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return err
	}
	defer m.Close()
	var cursor ebpf.MapBatchCursor
	_, err = m.BatchLookup(&cursor, make([]uint32, 1), make([]uint32, 1), nil)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	return err
}

// perfLink makes a link of a perf event that never fires. Such links, which
// kprobes, uprobes and tracepoints use, can be pinned since Linux 5.15.
func perfLink() error {
	prog, err := ebpf.NewProgram(tiny(ebpf.PerfEvent))
	if err != nil {
		return err
	}
	defer prog.Close()
	attr := &unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY, Size: unix.PERF_ATTR_SIZE_VER0}
	fd, err := unix.PerfEventOpen(attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("%w: perf_event_open: %w", errInconclusive, err)
	}
	defer func() { _ = unix.Close(fd) }()
	l, err := link.AttachRawLink(link.RawLinkOptions{Target: fd, Program: prog, Attach: ebpf.AttachPerfEvent})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, ebpf.ErrNotSupported) {
		return errors.New("they need Linux 5.15")
	}
	if err != nil {
		return err
	}
	return l.Close()
}
