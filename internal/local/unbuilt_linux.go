package local

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func notYet(op string) error {
	return api.Errorf(op, "", api.ErrNotSupported, "not built yet")
}

// StreamEvents implements api.Events.
func (t *Target) StreamEvents(context.Context, api.EventsRequest, func(api.Event) error) error {
	return notYet("stream events")
}

// Probe implements api.Prober.
func (t *Target) Probe(context.Context, api.ProbeRequest) (api.Kernel, error) {
	return api.Kernel{}, notYet("probe")
}
