package local

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func notYet(op string) error {
	return api.Errorf(op, "", api.ErrNotSupported, "not built yet")
}

// Probe implements api.Prober.
func (t *Target) Probe(context.Context, api.ProbeRequest) (api.Kernel, error) {
	return api.Kernel{}, notYet("probe")
}
