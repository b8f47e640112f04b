package events

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// perfBuffer is the bytes for each CPU of a perf event array.
const perfBuffer = 64 << 10

func now() time.Time { return time.Now() }

// openMap opens the reader for a map.
func openMap(src Source) (reader, error) {
	switch t := src.Map.Type(); t {
	case ebpf.RingBuf:
		if !src.Consume {
			return openTap(src)
		}
		rd, err := ringbuf.NewReader(src.Map)
		if err != nil {
			return nil, openError(src, err)
		}
		return &ringReader{src, rd}, nil
	case ebpf.PerfEventArray:
		if !src.Consume {
			return nil, api.Errorf(op, src.Name, api.ErrUsage, "a perf event array cannot be read beside its reader: its records go to one").
				WithHint("ebpfdev events " + shell.Quote(src.Name) + " --consume")
		}
		rd, err := perf.NewReader(src.Map, perfBuffer)
		if err != nil {
			return nil, openError(src, err)
		}
		return &perfReader{src, rd}, nil
	default:
		return nil, api.Errorf(op, src.Name, api.ErrNotSupported,
			"a "+strings.ToLower(t.String())+" map carries no events; only ring buffers and perf event arrays do")
	}
}

func openError(src Source, err error) error {
	if errors.Is(err, os.ErrPermission) {
		return api.E(op, src.Name, api.ErrPermission, err)
	}
	return api.E(op, src.Name, "", err)
}

// record decodes a record.
func (s Source) record(raw []byte) api.Event {
	return api.Event{
		Kind: api.EventRecord, Map: s.Name, Type: btfview.Name(s.Type), Data: btfview.Decode(s.Type, raw),
	}
}

// ringReader reads a ring buffer (Linux 5.8). What a program could not put into
// a full one, the program alone knows.
type ringReader struct {
	src Source
	rd  *ringbuf.Reader
}

func (r *ringReader) run(send func(api.Event) bool) error {
	for {
		rec, err := r.rd.Read()
		if errors.Is(err, ringbuf.ErrClosed) {
			return nil
		}
		if err != nil {
			return api.E(op, r.src.Name, "", err)
		}
		if !send(r.src.record(rec.RawSample)) {
			return nil
		}
	}
}

func (r *ringReader) stop()  { _ = r.rd.Close() }
func (r *ringReader) close() {}

// perfReader reads a perf event array.
type perfReader struct {
	src Source
	rd  *perf.Reader
}

func (r *perfReader) run(send func(api.Event) bool) error {
	for {
		rec, err := r.rd.Read()
		switch {
		case errors.Is(err, perf.ErrClosed):
			return nil
		case perf.IsUnknownEvent(err):
			continue
		case err != nil:
			return api.E(op, r.src.Name, "", err)
		}
		e := api.Event{Kind: api.EventLost, Map: r.src.Name, Lost: rec.LostSamples}
		if rec.LostSamples == 0 {
			e = r.src.record(unpad(r.src.Type, rec.RawSample))
		}
		e.CPU = rec.CPU
		if !send(e) {
			return nil
		}
	}
}

func (r *perfReader) stop()  { _ = r.rd.Close() }
func (r *perfReader) close() {}

// unpad cuts off what perf adds so that a record ends at a multiple of 8 bytes.
func unpad(t btf.Type, raw []byte) []byte {
	size, err := btf.Sizeof(t)
	if err != nil || btfview.Flexible(t) || size > len(raw) || len(raw)-size >= 8 {
		return raw
	}
	return raw[:size]
}
