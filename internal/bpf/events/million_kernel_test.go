//go:build kernel && linux

package events

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// A program that counts what it could not send: what was received and that is all
// that it made, however fast it is.
func TestMillionEvents(t *testing.T) {
	const made = 1_000_000
	ring := newMap(t, &ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 1 << 20})
	drops := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	prog := newProgram(t, asm.Instructions{
		asm.LoadMapPtr(asm.R1, ring.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -16),
		asm.Mov.Imm(asm.R3, 12), asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.JEq.Imm(asm.R0, 0, "sent"),
		asm.StoreImm(asm.RFP, -24, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, drops.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -24),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "sent"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("sent"),
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var received atomic.Uint64
	var began time.Time
	err := Stream(ctx, Wanted{Sources: []Source{{Name: "pairs", Map: ring, Type: pair(), Consume: true}}}, func(e api.Event) error {
		switch e.Kind {
		case api.EventReady:
			began = time.Now()
			go func() {
				run(t, prog, made)
				for ctx.Err() == nil && received.Load()+dropped(t, drops) < made {
					runtime.Gosched()
				}
				cancel()
			}()
		case api.EventRecord:
			received.Add(1)
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Stream: %v after %d events", err, received.Load())
	}
	lost := dropped(t, drops)
	t.Logf("%d received and %d dropped in %s", received.Load(), lost, time.Since(began).Round(time.Millisecond))
	if received.Load() == 0 || received.Load()+lost != made {
		t.Errorf("%d received and %d dropped are not the %d made", received.Load(), lost, made)
	}
}

func dropped(t *testing.T, m *ebpf.Map) (n uint64) {
	t.Helper()
	if err := m.Lookup(uint32(0), &n); err != nil {
		t.Fatal(err)
	}
	return n
}
