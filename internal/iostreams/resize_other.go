//go:build !unix

package iostreams

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Resizes sends the terminal's present size; this system does not tell of changes.
func (s *IOStreams) Resizes(context.Context) <-chan api.Size {
	sizes := make(chan api.Size, 1)
	sizes <- s.Size()
	return sizes
}
