package attach

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
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
		return nil, j.missing(api.ErrNotSupported, "this kernel has no tracepoint "+j.target,
			shell.Join("ls", filepath.Join(dir, "events", group)))
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

// tracing attaches to the function or tracepoint that the program was loaded for.
func tracing(j *job) (link.Link, error) {
	if j.spec.AttachType == load.AttachTraceFSession {
		l, err := link.AttachRawLink(link.RawLinkOptions{Program: j.prog, Attach: j.spec.AttachType})
		if err != nil {
			return nil, err // not the typed nil pointer
		}
		return l, nil
	}
	return link.AttachTracing(link.TracingOptions{Program: j.prog, AttachType: j.spec.AttachType})
}

func lsm(j *job) (link.Link, error) {
	if err := lsmActive(j); err != nil {
		return nil, err
	}
	return link.AttachLSM(link.LSMOptions{Program: j.prog})
}

// lsmActive refuses a program that would be attached and never run: the kernel
// calls BPF's hooks only when "bpf" is in its list of security modules, which is
// told when securityfs is mounted.
func lsmActive(j *job) error {
	const file = "/sys/kernel/security/lsm"
	data, err := os.ReadFile(file)
	if err != nil || slices.Contains(strings.Split(strings.TrimSpace(string(data)), ","), "bpf") {
		return nil //nolint:nilerr // it cannot be told
	}
	return j.missing(api.ErrNotSupported, "this kernel was started without BPF among its security modules (lsm=...,bpf), so that the program would never run",
		shell.Join("cat", file))
}

// freplace attaches to the function of the program that it was loaded for.
func freplace(j *job) (link.Link, error) {
	return link.AttachFreplace(nil, "", j.prog)
}

// iterator attaches an iterator, over a map's entries to that map. Its program
// runs when the pin of its link is read.
func iterator(j *job) (link.Link, error) {
	opts := link.IterOptions{Program: j.prog}
	if mapIterator(j.spec) {
		m, closeMap, err := j.mapNamed()
		if err != nil {
			return nil, err
		}
		defer closeMap()
		opts.Map = m
	}
	l, err := link.AttachIter(opts)
	if err != nil {
		return nil, err // not the typed nil pointer
	}
	return l, nil
}

// mapIterator reports whether an iterator goes over the entries of one map.
func mapIterator(spec *ebpf.ProgramSpec) bool {
	switch spec.AttachTo {
	case "bpf_map_elem", "bpf_sk_storage_map", "sockmap":
		return spec.AttachType == ebpf.AttachTraceIter
	default:
		return false
	}
}
