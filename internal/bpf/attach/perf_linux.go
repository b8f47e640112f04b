package attach

import (
	"errors"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach/perfevent"
)

// defaultFrequency, in runs a second, is not a multiple of what most timers do.
const defaultFrequency = 99

// perfEvent attaches to a clock or counter: one link for each processor, or one
// for a process. Links of perf events came with Linux 5.15; before that the event
// itself holds the program, and cannot be pinned.
func perfEvent(j *job) ([]Link, error) {
	const example = "cpu-clock,freq=99"
	if !slices.Contains(perfevent.Events(), j.target) {
		return nil, needs(j, "an event: "+strings.Join(perfevent.Events(), ", "), example)
	}
	words, err := j.words("freq", "period", "pid", "cpu")
	if err != nil {
		return nil, err
	}
	opts := perfevent.Options{Event: j.target, CPU: -1}
	numbers := map[string]int{}
	for key := range words {
		if numbers[key], err = j.number(words, key); err != nil {
			return nil, err
		}
		if numbers[key] < 0 || numbers[key] == 0 && key != "cpu" {
			return nil, j.usage(key+" takes a number above 0", example)
		}
	}
	opts.Frequency, opts.Period, opts.PID = uint64(numbers["freq"]), uint64(numbers["period"]), numbers["pid"]
	if cpu, ok := numbers["cpu"]; ok {
		opts.CPU = cpu
	}
	if opts.Frequency == 0 && opts.Period == 0 {
		opts.Frequency = defaultFrequency
	}
	fds, err := perfevent.Open(opts)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, api.E("attach", j.name, api.ErrNotSupported, err).WithHint("ebpfdev load --attach " + j.name + "=" + example)
	}
	if err != nil {
		return nil, err
	}
	var links []Link
	for i, fd := range fds {
		l, err := toPerfEvent(fd, j.prog)
		if err != nil {
			for _, fd := range fds[i:] {
				_ = unix.Close(fd)
			}
			closeAll(links)
			return nil, err
		}
		links = append(links, l)
	}
	return links, nil
}

// toPerfEvent attaches to an open event and takes it over.
func toPerfEvent(fd int, prog *ebpf.Program) (Link, error) {
	l, err := link.AttachRawLink(link.RawLinkOptions{Target: fd, Program: prog, Attach: ebpf.AttachPerfEvent})
	if err == nil {
		return l, unix.Close(fd) // the link holds the event
	}
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, link.ErrNotSupported) {
		return nil, err
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, prog.FD()); err != nil {
		return nil, err
	}
	return &linkless{
		why:   "before Linux 5.15 a perf event ends with the process that opened it",
		close: func() error { return unix.Close(fd) },
	}, nil
}

// closeAll ends attachments that were made before one failed.
func closeAll(links []Link) {
	for _, l := range links {
		_ = l.Close()
	}
}
