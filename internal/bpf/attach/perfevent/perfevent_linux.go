package perfevent

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Options say what is counted, where, and how often the program runs.
type Options struct {
	Event     string // one of Events
	Frequency uint64 // runs in a second; or
	Period    uint64 // counted units (nanoseconds of a clock) between two runs
	PID       int    // of one process's main thread; 0 for everything
	CPU       int    // one processor; negative for all
}

type event struct {
	kind   uint32
	config uint64
}

func events() map[string]event {
	return map[string]event{
		"cpu-clock":        {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_CPU_CLOCK},
		"task-clock":       {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_TASK_CLOCK},
		"page-faults":      {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_PAGE_FAULTS},
		"context-switches": {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_CONTEXT_SWITCHES},
		"cpu-migrations":   {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_CPU_MIGRATIONS},
		"cycles":           {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CPU_CYCLES},
		"instructions":     {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_INSTRUCTIONS},
		"cache-misses":     {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CACHE_MISSES},
		"branch-misses":    {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_BRANCH_MISSES},
	}
}

// Events returns the names of the events, sorted.
func Events() []string { return slices.Sorted(maps.Keys(events())) }

// Open opens an event on every processor that is online, or on the one that
// runs a process. The descriptors are the caller's. An errno of the kernel is in
// the error's tree: ENOENT when the machine has no such counter.
func Open(opts Options) ([]int, error) {
	e, ok := events()[opts.Event]
	if !ok {
		return nil, fmt.Errorf("no event %q", opts.Event)
	}
	attr := unix.PerfEventAttr{Type: e.kind, Config: e.config, Sample: opts.Period}
	if opts.Frequency != 0 {
		attr.Sample, attr.Bits = opts.Frequency, unix.PerfBitFreq
	}
	attr.Size = unix.PERF_ATTR_SIZE_VER0
	pid, cpus := -1, []int{-1}
	switch {
	case opts.PID != 0:
		pid = opts.PID
	case opts.CPU >= 0:
		cpus = []int{opts.CPU}
	default:
		var err error
		if cpus, err = online(); err != nil {
			return nil, err
		}
	}
	var fds []int
	for _, cpu := range cpus {
		fd, err := unix.PerfEventOpen(&attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			for _, fd := range fds {
				_ = unix.Close(fd)
			}
			return nil, fmt.Errorf("open the event %s: %w", opts.Event, err)
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// online returns the processors that run.
func online() ([]int, error) {
	data, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	return parseCPUs(strings.TrimSpace(string(data)))
}

// parseCPUs reads a list such as "0-3,6".
func parseCPUs(list string) ([]int, error) {
	var cpus []int
	for part := range strings.SplitSeq(list, ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		first, err1 := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if err := errors.Join(err1, err2); err != nil || first < 0 || last > 1<<16 {
			return nil, fmt.Errorf("read the list of processors %q: it is not of the form 0-3,6", list)
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}
