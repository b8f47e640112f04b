package attach

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/executable"
	"github.com/ebpfdev/ebpfdev/internal/bpf/tracefs"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

func tracepoint(j *job) (link.Link, error) {
	group, event, ok := strings.Cut(j.target, "/")
	if !ok || group == "" || event == "" {
		return nil, needs(j, "a tracepoint", "sched/sched_process_exec")
	}
	// Asked before cilium/ebpf is: it remembers for good that nothing was there.
	dir, err := tracefs.Find()
	if err != nil {
		return nil, err
	}
	l, err := link.Tracepoint(group, event, j.prog, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, api.Errorf("attach", j.name, api.ErrNotSupported, "this kernel has no tracepoint "+j.target).
			WithHint(shell.Join("ls", filepath.Join(dir, "events", group)))
	}
	return l, err
}

func rawTracepoint(j *job) (link.Link, error) {
	if j.target == "" {
		return nil, needs(j, "a tracepoint", "sched_process_exec")
	}
	// The tracepoint's group is no part of a raw tracepoint's name.
	name := j.target[strings.LastIndexByte(j.target, '/')+1:]
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: name, Program: j.prog})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, api.Errorf("attach", j.name, api.ErrNotSupported, "this kernel has no tracepoint "+name)
	}
	return l, err
}

func tracing(j *job) (link.Link, error) {
	return link.AttachTracing(link.TracingOptions{Program: j.prog, AttachType: j.spec.AttachType})
}

func lsm(j *job) (link.Link, error) {
	return link.AttachLSM(link.LSMOptions{Program: j.prog})
}

func iterator(j *job) (link.Link, error) {
	switch j.target {
	case "bpf_map_elem", "bpf_sk_storage_map", "sockmap":
		return nil, &skip{reason: "an iterator over the entries of a map is attached by the program that reads it"}
	}
	l, err := link.AttachIter(link.IterOptions{Program: j.prog})
	if err != nil {
		return nil, err // not the typed nil pointer
	}
	return l, nil
}

// probe returns what attaches a program of type kprobe, which is the type of
// user space probes as well.
func probe(section string) attacher {
	kind, _, _ := strings.Cut(section, ".")
	multi := strings.Contains(section, ".multi")
	switch {
	case multi && (kind == "kprobe" || kind == "kretprobe"):
		return kprobeMulti
	case strings.Contains(section, ".session"), multi:
		return other
	case kind == "kprobe", kind == "ksyscall":
		return func(j *job) (link.Link, error) { return kprobe(j, link.Kprobe) }
	case kind == "kretprobe", kind == "kretsyscall":
		return func(j *job) (link.Link, error) { return kprobe(j, link.Kretprobe) }
	case kind == "uprobe":
		return func(j *job) (link.Link, error) { return uprobe(j, (*link.Executable).Uprobe) }
	case kind == "uretprobe":
		return func(j *job) (link.Link, error) { return uprobe(j, (*link.Executable).Uretprobe) }
	default:
		return other
	}
}

func kprobe(
	j *job, attach func(string, *ebpf.Program, *link.KprobeOptions) (link.Link, error),
) (link.Link, error) {
	if j.target == "" {
		return nil, needs(j, "a kernel function", "do_unlinkat")
	}
	symbol, offset, err := splitOffset(j.target)
	if err != nil {
		return nil, api.Errorf("attach", j.name, api.ErrUsage, err.Error())
	}
	if strings.HasSuffix(j.section, "syscall") {
		symbol = "sys_" + symbol // cilium/ebpf adds the architecture's prefix
	}
	l, err := attach(symbol, j.prog, &link.KprobeOptions{Offset: offset})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, link.ErrNotSupported) {
		return nil, api.E("attach", j.name, api.ErrNotSupported, err).
			WithHint(shell.Join("grep", "-w", symbol, "/proc/kallsyms"))
	}
	return l, err
}

func kprobeMulti(j *job) (link.Link, error) {
	if j.target == "" || strings.ContainsAny(j.target, "*?") {
		return nil, needs(j, "kernel functions by their full names", "do_unlinkat,do_mkdirat")
	}
	opts := link.KprobeMultiOptions{Symbols: strings.Split(j.target, ",")}
	if strings.HasPrefix(j.section, "kret") {
		return link.KretprobeMulti(j.prog, opts)
	}
	return link.KprobeMulti(j.prog, opts)
}

func uprobe(
	j *job, attach func(*link.Executable, string, *ebpf.Program, *link.UprobeOptions) (link.Link, error),
) (link.Link, error) {
	path, symbol, ok := strings.Cut(j.target, ":")
	if !ok || path == "" || symbol == "" {
		return nil, needs(j, "an executable and a function of it", "/bin/bash:readline")
	}
	files := executable.Find(path)
	if len(files) == 0 {
		return nil, api.Errorf("attach", j.name, api.ErrNotExist, "no program or library "+path+" is found").
			WithHint(shell.Join("find", "/usr", "-name", filepath.Base(path)+"*"))
	}
	path = files[0]
	ex, err := link.OpenExecutable(path)
	if err != nil {
		return nil, err
	}
	symbol, offset, err := splitOffset(symbol)
	if err != nil {
		return nil, api.Errorf("attach", j.name, api.ErrUsage, err.Error())
	}
	l, err := attach(ex, symbol, j.prog, &link.UprobeOptions{Offset: offset})
	if errors.Is(err, link.ErrNoSymbol) {
		return nil, api.Errorf("attach", j.name, api.ErrNotExist, path+" has no function "+symbol).
			WithHint(shell.Join("nm", "-D", path))
	}
	return l, err
}

// splitOffset splits "symbol+0x10".
func splitOffset(s string) (symbol string, offset uint64, _ error) {
	symbol, text, ok := strings.Cut(s, "+")
	if !ok {
		return symbol, 0, nil
	}
	offset, err := strconv.ParseUint(text, 0, 63)
	if err != nil {
		return "", 0, errors.New("the offset " + strconv.Quote(text) + " is no number")
	}
	return symbol, offset, nil
}
