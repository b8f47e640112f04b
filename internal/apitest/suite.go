// Package apitest holds what tests of api implementations and of their users
// share: Run, the one conformance suite that every api.Target must pass, and
// Fake, a session in memory for frontends.
package apitest

import (
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Options say what an implementation cannot do, so that the suite leaves it
// out. The zero value asks for everything, as a real kernel must offer.
type Options struct {
	// NoKernel: nothing is really loaded. Objects are not looked into, so what
	// depends on their content (the verifier's refusal, figures, entries that
	// a program makes) is left out.
	NoKernel bool
	// NoPins: LifetimePinned is not possible.
	NoPins bool
	// NoEvents: StreamEvents sends no records.
	NoEvents bool
	// NoLogs: StreamEvents cannot read the trace pipe.
	NoLogs bool
}

// Run runs the conformance suite. open returns a new target that the suite
// closes; it is called once for each part.
func Run(t *testing.T, open func(t *testing.T) api.Target, opts Options) {
	t.Helper()
	_ = opts
	t.Run("Close", func(t *testing.T) {
		if err := open(t).Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	})
}
