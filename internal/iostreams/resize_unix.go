//go:build unix

package iostreams

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Resizes sends the terminal's size, first the present one and then each new
// one, until the context ends. A slow reader gets the latest only.
func (s *IOStreams) Resizes(ctx context.Context) <-chan api.Size {
	sizes := make(chan api.Size, 1)
	sizes <- s.Size()
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	go func() {
		defer signal.Stop(changed)
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
			select { // drop a size that nobody took yet
			case <-sizes:
			default:
			}
			sizes <- s.Size()
		}
	}()
	return sizes
}
