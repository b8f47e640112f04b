package local

import (
	"context"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/points"
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

// Resolve implements api.Prober.
func (t *Target) Resolve(ctx context.Context, req api.ResolveRequest) (res api.ResolveResult, err error) {
	ctx, done := t.call(ctx, "resolve attach points")
	defer func() { err = done(err) }()
	err = t.withKernelTypes(func(kernel *btf.Cache) error {
		res, err = points.Resolve(ctx, req, kernel)
		return err
	})
	return res, err
}
