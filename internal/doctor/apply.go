package doctor

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Apply applies one fix of a plan.
func (d *Doctor) Apply(ctx context.Context, fix api.Fix, fn func(api.Progress) error) error {
	s := &step{id: fix.ID, title: fix.Title, fn: fn}
	var apply func(context.Context, *step) error
	switch fix.ID {
	case idEngine:
		apply = d.applyEngine
	case idBaseImage:
		apply = d.applyBase
	case idBPFFS, idTraceFS:
		apply = mountOf(fix.ID).run
	default:
		return api.Errorf("apply fix", fix.ID, api.ErrUsage, "no such fix")
	}
	if err := s.report(api.StepStarted, ""); err != nil {
		return err
	}
	if err := apply(ctx, s); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fnErr := s.report(api.StepFailed, err.Error()); fnErr != nil {
			return fnErr
		}
		return err
	}
	return s.report(api.StepDone, "")
}

func mountBPFFS() command { return cmd("mount", "-t", "bpf", "bpf", "/sys/fs/bpf") }

func mountTraceFS() command { return cmd("mount", "-t", "tracefs", "tracefs", "/sys/kernel/tracing") }

// mountOf returns the mount that repairs a check.
func mountOf(id string) command {
	if id == idBPFFS {
		return mountBPFFS()
	}
	return mountTraceFS()
}
