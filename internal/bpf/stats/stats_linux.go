package stats

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
)

const op = "measure programs"

// Intervals of a measurement.
const (
	shortest = 100 * time.Millisecond
	usual    = time.Second
)

// Describe fills in what the counters do not tell of programs: their full names,
// their projects, their memory. It is asked for programs that are new.
type Describe func(ctx context.Context, ids []uint32) ([]api.ProgramRate, error)

// Measure has the kernel count and sends a measurement after every interval, until
// the context ends. See api.Programs.
func Measure(ctx context.Context, req api.MeasureRequest, describe Describe, fn func(api.Measurement) error) error {
	interval := req.Interval
	if interval == 0 {
		interval = usual
	}
	if interval < shortest {
		return api.Errorf(op, interval.String(), api.ErrUsage, "an interval is at least 100ms")
	}
	on, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return enableError(err)
	}
	defer on.Close()
	m := &meter{describe: describe, req: req, known: map[uint32]api.ProgramRate{}}
	if _, err := m.next(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		res, err := m.next(ctx)
		if err != nil {
			return err
		}
		if err := fn(res); err != nil {
			return err
		}
	}
}

func enableError(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return api.E(op, "", api.ErrPermission, err).WithHint("ebpfdev doctor")
	}
	if errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, unix.EINVAL) {
		return api.Errorf(op, "", api.ErrNotSupported, "this kernel counts runs only by a setting for all (Linux 5.8 does by request)").
			WithHint("sudo sysctl kernel.bpf_stats_enabled=1")
	}
	return api.E(op, "", api.ErrFailed, err)
}

// meter remembers the counters of the last look.
type meter struct {
	describe Describe
	req      api.MeasureRequest
	known    map[uint32]api.ProgramRate // what does not change of them
	last     map[uint32]inspect.Counter
	at       time.Time
}

// next looks at the counters and returns what came since the last look.
func (m *meter) next(ctx context.Context) (api.Measurement, error) {
	list, err := inspect.Counters(ctx, m.req.List.IDs)
	if err != nil {
		return api.Measurement{}, err
	}
	now := time.Now()
	res := api.Measurement{Time: now, Interval: now.Sub(m.at), Programs: []api.ProgramRate{}}
	if err := m.learn(ctx, list); err != nil {
		return api.Measurement{}, err
	}
	counters := make(map[uint32]inspect.Counter, len(list))
	for _, c := range list {
		counters[c.ID] = c
		rate, wanted := m.known[c.ID]
		if last, ok := m.last[c.ID]; ok && wanted {
			res.Programs = append(res.Programs, between(rate, last, c, res.Interval))
		}
	}
	m.last, m.at = counters, now
	return res, nil
}

// learn asks about programs that are new, and keeps those that were asked for.
func (m *meter) learn(ctx context.Context, list []inspect.Counter) error {
	var ids []uint32
	for _, c := range list {
		if _, seen := m.last[c.ID]; !seen {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	described, err := m.describe(ctx, ids)
	for _, r := range described {
		if (m.req.List.Name == "" || m.req.List.Name == r.Name) && (m.req.List.Project == "" || m.req.List.Project == r.Project) {
			m.known[r.ID] = r
		}
	}
	return err
}

// between is the rate that two looks give.
func between(rate api.ProgramRate, was, is inspect.Counter, interval time.Duration) api.ProgramRate {
	rate.Runs, rate.Misses = is.Runs-was.Runs, is.Misses-was.Misses
	spent := is.RunTime - was.RunTime
	if rate.Runs > 0 {
		rate.Average = spent / time.Duration(rate.Runs)
	}
	if seconds := interval.Seconds(); seconds > 0 {
		rate.PerSec = float64(rate.Runs) / seconds
		rate.CPU = spent.Seconds() / seconds
	}
	return rate
}
