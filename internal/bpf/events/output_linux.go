package events

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// outputReader reads what a process prints.
type outputReader struct {
	ctx    context.Context
	cancel context.CancelFunc
	output Output
}

func newOutput(ctx context.Context, output Output) *outputReader {
	ctx, cancel := context.WithCancel(ctx)
	return &outputReader{ctx: ctx, cancel: cancel, output: output}
}

func (r *outputReader) run(send func(api.Event) bool) error { return r.output(r.ctx, send) }

func (r *outputReader) stop() { r.cancel() }

func (r *outputReader) close() { r.cancel() }
