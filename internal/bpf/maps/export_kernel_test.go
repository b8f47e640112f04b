//go:build kernel && linux

package maps

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// traffic is a hash or a per-CPU hash of addresses to struct { __u64 bytes; __u32 n; char comm[12]; }.
func traffic(t testing.TB, typ ebpf.MapType, n int) Source {
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}
	value := &btf.Struct{Name: "traffic", Size: 24, Members: []btf.Member{
		{Name: "bytes", Type: u64()},
		{Name: "n", Type: u32(), Offset: 64},
		{Name: "comm", Type: &btf.Array{Type: char, Nelems: 12}, Offset: 96},
	}}
	key := &btf.Typedef{Name: "__be32", Type: u32()}
	src := newMap(t, &ebpf.MapSpec{Type: typ, KeySize: 4, ValueSize: 24, MaxEntries: uint32(n)}, key, value)
	one := make([]byte, 24)
	for i := range n {
		binary.LittleEndian.PutUint64(one, uint64(1000*i))
		binary.LittleEndian.PutUint32(one[8:], uint32(i))
		copy(one[12:], []string{"sh", "a\"b\\", "\xffé\n", "bash"}[i%4]+"\x00\x00\x00\x00\x00\x00")
		var v any = one
		if perCPU(typ) {
			all := make([][]byte, ebpf.MustPossibleCPU())
			for c := range all {
				all[c] = one
			}
			v = all
		}
		if err := src.Map.Put([]byte{10, 0, byte(i >> 8), byte(i)}, v); err != nil {
			t.Fatal(err)
		}
	}
	return src
}

// exported returns what an export sends, as text or as entries.
func exported(t *testing.T, src Source, req api.ExportRequest) (string, []api.Entry, api.ExportResult) {
	t.Helper()
	var text strings.Builder
	var entries []api.Entry
	n := 0
	res, err := Export(t.Context(), src, req, func(c api.Chunk) error {
		text.Write(c.Text)
		entries = append(entries, c.Entries...)
		n += c.Count
		return nil
	})
	if err != nil {
		t.Fatalf("Export(%+v): %v", req, err)
	}
	if req.Limit == 0 && n != res.Matched {
		t.Errorf("%d entries came, %d matched", n, res.Matched)
	}
	return text.String(), entries, res
}

// TestExportText: text is what encoding/json makes of the entries.
func TestExportText(t *testing.T) {
	queue := newMap(t, &ebpf.MapSpec{Type: ebpf.Queue, ValueSize: 8, MaxEntries: 4}, nil, u64())
	if err := queue.Map.Put(nil, uint64(7)); err != nil {
		t.Fatal(err)
	}
	plain := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 3, ValueSize: 16, MaxEntries: 4}, nil, nil)
	if err := plain.Map.Put([]byte{1, 2, 3}, append([]byte("text \"here\""), make([]byte, 5)...)); err != nil {
		t.Fatal(err)
	}
	counters := newMap(t, &ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}, u32(), u64())
	for _, src := range []Source{traffic(t, ebpf.Hash, 500), hash(t, 100), queue, plain, counters} {
		_, entries, _ := exported(t, src, api.ExportRequest{})
		text, _, _ := exported(t, src, api.ExportRequest{Format: api.ExportNDJSON})
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) != len(entries) {
			t.Fatalf("%d lines of %d entries", len(lines), len(entries))
		}
		for i, e := range entries {
			var want bytes.Buffer
			enc := json.NewEncoder(&want)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(e); err != nil {
				t.Fatal(err)
			}
			if lines[i]+"\n" != want.String() {
				t.Fatalf("%v: line %s\nwant %s", src.Map.Type(), lines[i], want.String())
			}
		}
		elements, _, _ := exported(t, src, api.ExportRequest{Format: api.ExportJSON})
		var list []api.Entry
		if err := json.Unmarshal([]byte("["+elements+"]"), &list); err != nil || len(list) != len(entries) {
			t.Errorf("%v: %d elements, %v", src.Map.Type(), len(list), err)
		}
	}
}

func TestExportSelects(t *testing.T) {
	for _, typ := range []ebpf.MapType{ebpf.Hash, ebpf.PerCPUHash} {
		src := traffic(t, typ, 500)
		cpus := 1
		if perCPU(typ) {
			cpus = ebpf.MustPossibleCPU()
		}
		where := fmt.Sprintf("bytes >= %d && key in 10.0.1.0/24", 490_000*cpus)
		text, _, res := exported(t, src, api.ExportRequest{
			Where: where, Order: "-bytes", Limit: 2, Columns: []string{"key", "bytes", "n:hex", "comm"}, Format: api.ExportNDJSON,
		})
		if !strings.HasPrefix(text, fmt.Sprintf(`{"key":"10.0.1.243","bytes":%d,"n":"f3 01 00 00","comm":"bash"}`, 499_000*cpus)) ||
			strings.Count(text, "\n") != 2 || res.Matched != 10 || !res.More || res.Scanned != 500 {
			t.Errorf("%v: %s %+v", typ, text, res)
		}
		page := query(t, src, api.QueryRequest{Where: where, Order: "n,key", Columns: []string{"n"}, Limit: 1})
		if len(page.Entries) != 1 || page.Entries[0].Cells[0].Text != fmt.Sprint(490*cpus) || page.Matched != 10 {
			t.Errorf("%v: page = %+v", typ, page.Entries)
		}
	}
	src := traffic(t, ebpf.Hash, 500)
	if _, entries, res := exported(t, src, api.ExportRequest{Limit: 7}); len(entries) != 7 || !res.More || res.Scanned > 500 {
		t.Errorf("%d entries, %+v", len(entries), res)
	}
	if page := query(t, src, api.QueryRequest{Limit: 7, Quick: true}); len(page.Entries) != 7 || !page.More || page.Scanned != 8 {
		t.Errorf("a quick page: %d entries, %d scanned", len(page.Entries), page.Scanned)
	}
	for _, req := range []api.ExportRequest{
		{Where: "byte > 1"},
		{Order: "byte"},
		{Columns: []string{"byte"}},
		{Columns: []string{"comm:time"}},
		{Columns: []string{"n:roman"}},
		{Format: "yaml"},
	} {
		_, err := Export(t.Context(), src, req, nil)
		if !errors.Is(err, api.ErrUsage) {
			t.Errorf("Export(%+v): %v, want ErrUsage", req, err)
		}
		t.Log(err)
	}
}

// TestExportTime writes a time since boot as a date.
func TestExportTime(t *testing.T) {
	src := hash(t, 1)
	text, _, _ := exported(t, src, api.ExportRequest{Columns: []string{"value:time", "value:duration"}, Format: api.ExportNDJSON})
	if !strings.HasPrefix(text, `{"value":"20`) || !strings.Contains(text, `"value:duration":"0s"`) {
		t.Errorf("text = %s", text)
	}
}

func BenchmarkExport(b *testing.B) {
	const n = 1_000_000
	long := u64()
	value := &btf.Struct{Name: "traffic", Size: 16, Members: []btf.Member{
		{Name: "bytes", Type: long},
		{Name: "packets", Type: long, Offset: 64},
	}}
	src := newMap(b, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 16, MaxEntries: n}, long, value)
	keys, values := make([]uint64, 10_000), make([][2]uint64, 10_000)
	for at := uint64(0); at < n; at += 10_000 {
		for i := range keys {
			keys[i], values[i] = 7919*(at+uint64(i)), [2]uint64{at + uint64(i), 3}
		}
		if _, err := src.Map.BatchUpdate(keys, values, nil); err != nil {
			b.Fatal(err)
		}
	}
	for name, req := range map[string]api.ExportRequest{
		"json":    {Format: api.ExportJSON},
		"columns": {Format: api.ExportNDJSON, Columns: []string{"key", "bytes"}},
		"where":   {Format: api.ExportNDJSON, Where: "bytes > 999990"},
		"sort":    {Order: "-bytes", Limit: 50},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				res, err := Export(b.Context(), src, req, func(api.Chunk) error { return nil })
				if err != nil || res.Scanned != n {
					b.Fatal(res, err)
				}
			}
		})
	}
}
