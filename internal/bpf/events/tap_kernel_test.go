//go:build kernel && linux

package events

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// recordSize is what a pair takes in a ring buffer: 12 bytes and 8 before them, up
// to a multiple of 8.
const recordSize = 24

// A tap sees what the buffer's reader sees, and takes nothing from it.
func TestTapBesideReader(t *testing.T) {
	m, prog := ring(t, 4096)
	run(t, prog, 1) // before it looks: not seen
	reader := newReader(t, m)
	n := 0
	collect(t, []Source{{Name: "pairs", Map: m, Type: pair()}}, false, func() { run(t, prog, 3) }, func(e api.Event) bool {
		if e.Kind != api.EventRecord || e.Map != "pairs" || e.Type != "struct pair" || e.Data.Text != "{a: 1, b: 2, c: 3}" {
			t.Errorf("event = %+v", e)
		}
		n++
		return n == 3
	})
	for range 4 {
		if _, err := reader.Read(); err != nil {
			t.Fatal(err)
		}
	}
	if left := reader.AvailableBytes(); left != 0 {
		t.Errorf("%d bytes are left", left)
	}
}

// Of a buffer that nobody reads there is nothing to see once it is full.
func TestTapOfFullBuffer(t *testing.T) {
	m, prog := ring(t, 4096)
	run(t, prog, 1000)
	collect(t, []Source{{Name: "pairs", Map: m}}, false, func() {}, func(e api.Event) bool {
		if e.Kind != api.EventWarning || !strings.Contains(e.Text, "nobody reads it") {
			t.Errorf("event = %+v, want a warning", e)
		}
		return true
	})
}

// A tap that is too slow is lapped: it gives whole records only, and what it gives
// and what it missed is all that was written.
func TestTapIsLapped(t *testing.T) {
	m, prog := ring(t, 4096)
	reader := newReader(t, m)
	tap, err := openTap(Source{Name: "pairs", Map: m, Type: pair()})
	if err != nil {
		t.Fatal(err)
	}
	defer tap.close()
	const rounds, each = 60, 100
	seen, missed := 0, uint64(0)
	for i := range rounds {
		run(t, prog, each)
		for range each {
			if _, err := reader.Read(); err != nil {
				t.Fatal(err)
			}
		}
		if i%7 != 0 { // most of the time it does not look
			continue
		}
		for {
			raw, lost, ok := tap.next()
			missed += lost
			if !ok && lost == 0 {
				break
			}
			if ok {
				seen++
				if tap.src.record(raw).Data.Text != "{a: 1, b: 2, c: 3}" {
					t.Fatalf("record % x", raw)
				}
			}
		}
	}
	missed += tap.produced() - tap.pos
	if seen == 0 || missed == 0 || uint64(seen)*recordSize+missed != rounds*each*recordSize {
		t.Errorf("%d records and %d bytes missed, of %d records", seen, missed, rounds*each)
	}
}

// A tap beside a reader that works at the same time never shows what is half
// overwritten.
func TestTapRaces(t *testing.T) {
	m, prog := ring(t, 4096)
	reader := newReader(t, m)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			if _, err := reader.Read(); err != nil {
				read <- n
				return
			}
		}
	}()
	seen, missed := uint64(0), uint64(0)
	err := Stream(ctx, Wanted{Sources: []Source{{Name: "pairs", Map: m, Type: pair()}}}, func(e api.Event) error {
		switch e.Kind {
		case api.EventReady:
			go func() {
				for range 100 {
					run(t, prog, 500)
				}
				cancel()
			}()
		case api.EventRecord:
			seen++
			if e.Data.Text != "{a: 1, b: 2, c: 3}" {
				t.Errorf("event = %+v", e)
			}
		case api.EventLost:
			missed += e.Bytes
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	written := uint64(<-read)
	t.Logf("%d written, %d seen, %d bytes missed", written, seen, missed)
	if seen == 0 || seen*recordSize+missed > written*recordSize {
		t.Errorf("%d records and %d bytes are more than the %d records written", seen, missed, written)
	}
}

func TestPerfArrayIsConsumed(t *testing.T) {
	m, _ := perfArray(t)
	err := Stream(t.Context(), Wanted{Sources: []Source{{Name: "pairs", Map: m}}}, nil)
	if !errors.Is(err, api.ErrUsage) || api.HintOf(err) != "ebpfdev events pairs --consume" {
		t.Errorf("a perf event array without Consume: %v", err)
	}
}

func newReader(t *testing.T, m *ebpf.Map) *ringbuf.Reader {
	t.Helper()
	reader, err := ringbuf.NewReader(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	return reader
}
