package local

import "github.com/ebpfdev/ebpfdev/internal/bpf/events"

// Sweep removes what processes of ours left in this kernel when they were
// killed, and nothing that is in use.
// Errors: ErrEnvironment (no tracefs is mounted).
func Sweep() error { return events.RemoveStale() }
