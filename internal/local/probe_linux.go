package local

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/probe"
)

// Probe implements api.Prober.
func (t *Target) Probe(ctx context.Context, _ api.ProbeRequest) (api.Kernel, error) {
	ctx, done := t.call(ctx, "probe")
	if err := ctx.Err(); err != nil {
		return api.Kernel{}, done(err)
	}
	kernel := probe.Kernel(ctx)
	return kernel, done(ctx.Err())
}
