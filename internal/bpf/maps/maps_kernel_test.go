//go:build kernel && linux

package maps

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func u32() btf.Type { return &btf.Int{Name: "__u32", Size: 4} }
func u64() btf.Type { return &btf.Int{Name: "__u64", Size: 8} }
func s32() btf.Type { return &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed} }

// newMap creates a map for a test.
func newMap(t testing.TB, spec *ebpf.MapSpec, key, value btf.Type) Source {
	t.Helper()
	kerneltest.Require(t)
	if spec.Name == "" {
		spec.Name = "mapstest"
	}
	m, err := ebpf.NewMap(spec)
	if err != nil {
		t.Fatalf("create %v: %v", spec.Type, err)
	}
	t.Cleanup(func() { _ = m.Close() })
	info := api.Map{Name: spec.Name, Type: strings.ToLower(spec.Type.String()), MaxEntries: m.MaxEntries()}
	return Source{Map: m, Info: info, Key: key, Value: value}
}

// hash creates a hash of __u32 to __u64 in which key i has the value 100*i.
func hash(t testing.TB, n int) Source {
	t.Helper()
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: uint32(max(n, 1) + 2)}, u32(), u64())
	fill(t, src, n)
	return src
}

func fill(t testing.TB, src Source, n int) {
	t.Helper()
	keys, values := make([]uint32, n), make([]uint64, n)
	for i := range n {
		keys[i], values[i] = uint32(i), uint64(100*i)
	}
	if n == 0 {
		return
	}
	if _, err := src.Map.BatchUpdate(keys, values, nil); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, src Source, req api.QueryRequest) api.Page {
	t.Helper()
	page, err := Query(t.Context(), src, req)
	if err != nil {
		t.Fatalf("Query(%+v): %v", req, err)
	}
	return page
}

func texts(page api.Page) string {
	var all []string
	for _, e := range page.Entries {
		all = append(all, e.Key.Text+"="+e.Value.Text)
	}
	return strings.Join(all, " ")
}

func TestQueryPages(t *testing.T) {
	src := hash(t, 500)
	seen := map[string]bool{}
	for offset := 0; offset < 500; offset += 70 {
		page := query(t, src, api.QueryRequest{Offset: offset, Limit: 70})
		if page.Matched != 500 || page.Scanned != 500 || page.Method != "batch" || page.Incomplete {
			t.Fatalf("page = %+v", page)
		}
		for _, e := range page.Entries {
			seen[e.Key.Text] = true
		}
	}
	if len(seen) != 500 {
		t.Errorf("the pages show %d keys, want 500", len(seen))
	}
	if page := query(t, src, api.QueryRequest{Offset: 500}); len(page.Entries) != 0 || page.Entries == nil {
		t.Errorf("the page after the last = %+v", page.Entries)
	}
	if page := query(t, src, api.QueryRequest{}); len(page.Entries) != 100 {
		t.Errorf("a page without a limit has %d entries, want 100", len(page.Entries))
	}
	if page := query(t, src, api.QueryRequest{Limit: 1 << 30, Offset: -3}); len(page.Entries) != 500 {
		t.Errorf("a page with a huge limit has %d entries, want all 500", len(page.Entries))
	}
}

func TestQueryOrder(t *testing.T) {
	src := hash(t, 300)
	for _, c := range []struct {
		order  string
		offset int
		want   string
	}{
		{"key", 0, "0=0 1=100 2=200"},
		{"key", 9, "9=900 10=1000 11=1100"}, // as text 10 would be before 9
		{"-key", 0, "299=29900 298=29800 297=29700"},
		{"value", 255, "255=25500 256=25600 257=25700"}, // as bytes 256 would be before 1
		{"-value", 298, "1=100 0=0"},
	} {
		page := query(t, src, api.QueryRequest{Order: c.order, Offset: c.offset, Limit: 3})
		if got := texts(page); got != c.want {
			t.Errorf("order %s from %d: %s, want %s", c.order, c.offset, got, c.want)
		}
	}
	for _, order := range []string{"size", "-", "Key", "key,"} {
		if _, err := Query(t.Context(), src, api.QueryRequest{Order: order}); !errors.Is(err, api.ErrUsage) {
			t.Errorf("order %q: %v, want ErrUsage", order, err)
		}
	}
}

func TestQueryOrderSigned(t *testing.T) {
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 10}, s32(), s32())
	for _, k := range []int32{5, -1, 0, -300} {
		if err := src.Map.Put(k, k/5); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := texts(query(t, src, api.QueryRequest{Order: "key"})), "-300=-60 -1=0 0=0 5=1"; got != want {
		t.Errorf("by key: %s, want %s", got, want)
	}
	if got, want := texts(query(t, src, api.QueryRequest{Order: "-value"})), "5=1 -1=0 0=0 -300=-60"; got == want {
		t.Logf("equal values are in the order of their keys' bytes: %s", got)
	} else if !strings.HasPrefix(got, "5=1 ") || !strings.HasSuffix(got, " -300=-60") {
		t.Errorf("by value: %s, want %s", got, want)
	}
}

func TestQueryWhere(t *testing.T) {
	comm := &btf.Array{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}, Nelems: 8}
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 10}, u32(), comm)
	for i, name := range []string{"bash", "Bash", "sh", "zsh"} {
		value := make([]byte, 8)
		copy(value, name)
		if err := src.Map.Put(uint32(70+i), value); err != nil {
			t.Fatal(err)
		}
	}
	for where, want := range map[string]int{"BASH": 2, "sh": 4, "7": 4, "72": 1, `"sh"`: 4, `value == "sh"`: 1, "fish": 0} {
		page := query(t, src, api.QueryRequest{Where: where})
		if page.Matched != want || len(page.Entries) != want || page.Scanned != 4 {
			t.Errorf("where %q: %d matched of %d, want %d of 4", where, page.Matched, page.Scanned, want)
		}
	}
}

// TestQueryEveryKey reads maps whose size is around that of a batch.
func TestQueryEveryKey(t *testing.T) {
	for _, n := range []int{0, 1, firstBatch - 1, firstBatch, firstBatch + 1, 3*firstBatch + 7} {
		src := hash(t, n)
		seen := map[string]bool{}
		_, err := Export(t.Context(), src, api.ExportRequest{}, func(c api.Chunk) error {
			if len(c.Entries) == 0 || len(c.Entries) > 4096 || len(c.Entries) != c.Count {
				t.Errorf("a chunk of %d", len(c.Entries))
			}
			for _, e := range c.Entries {
				seen[e.Key.Text] = true
			}
			return nil
		})
		if err != nil || len(seen) != n {
			t.Errorf("Export of %d: %d, %v", n, len(seen), err)
		}
	}
}

// TestWaysAgree reads the same map in all three ways.
func TestWaysAgree(t *testing.T) {
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 5000}, nil, u64())
	fill(t, src, 5000)
	for _, method := range []string{byBatch, byIndex, byKey} {
		v, err := newView("test", src)
		if err != nil {
			t.Fatal(err)
		}
		v.method = method
		next := uint32(0)
		w, err := v.walk(t.Context(), func(key, value []byte) error {
			if k, val := binary.LittleEndian.Uint32(key), binary.LittleEndian.Uint64(value); k != next || val != uint64(100*k) {
				return fmt.Errorf("entry %d has the key %d and the value %d", next, k, val)
			}
			next++
			return nil
		})
		if err != nil || w.scanned != 5000 || w.method != method {
			t.Errorf("%s: %d entries by %s, %v", method, w.scanned, w.method, err)
		}
	}
}

// TestWalkUnderChurn: entries come and go while the map is read; those that stay
// are all seen.
func TestWalkUnderChurn(t *testing.T) {
	src := hash(t, 2000)
	for _, method := range []string{byBatch, byKey} {
		v, err := newView("test", src)
		if err != nil {
			t.Fatal(err)
		}
		v.method = method
		seen := map[uint32]bool{}
		churn := uint32(0)
		w, err := v.walk(t.Context(), func(key, _ []byte) error {
			seen[binary.LittleEndian.Uint32(key)] = true
			_ = src.Map.Put(1_000_000+churn, uint64(1))
			_ = src.Map.Delete(1_000_000 + churn)
			// The entry that a walk by keys stands on goes away.
			if k := binary.LittleEndian.Uint32(key); k%10 == 9 {
				_ = src.Map.Delete(k)
			}
			churn++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		missing := 0
		for k := range uint32(2000) {
			if k%10 != 9 && !seen[k] {
				missing++
			}
		}
		if missing > 0 || w.incomplete {
			t.Errorf("%s: %d entries that stayed were not seen, incomplete %v", method, missing, w.incomplete)
		}
		fill(t, src, 2000)
	}
}

// TestKeysBound: a walk that is sent back to the beginning again and again ends.
func TestKeysBound(t *testing.T) {
	src := hash(t, 50)
	v, err := newView("test", src)
	if err != nil {
		t.Fatal(err)
	}
	v.method, v.maxEntries = byKey, 5
	w, err := v.walk(t.Context(), func(_, _ []byte) error { return nil })
	if err != nil || !w.incomplete || w.scanned != 20 {
		t.Errorf("%d entries, incomplete %v, %v; want 20 and incomplete", w.scanned, w.incomplete, err)
	}
}

func TestExportErrors(t *testing.T) {
	src := hash(t, 10)
	enough := errors.New("enough")
	if _, err := Export(t.Context(), src, api.ExportRequest{Where: "900"}, func(c api.Chunk) error {
		if c.Count != 1 {
			t.Errorf("%d entries where 900", c.Count)
		}
		return enough
	}); !errors.Is(err, enough) {
		t.Errorf("Export: %v, want the callback's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Export(ctx, src, api.ExportRequest{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Export with a cancelled context: %v", err)
	}
	if _, err := Query(ctx, src, api.QueryRequest{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Query with a cancelled context: %v", err)
	}
}

func TestWatch(t *testing.T) {
	src := hash(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var at []time.Time
	err := Watch(ctx, src, api.WatchRequest{Interval: time.Nanosecond}, func(p api.Page) error {
		at = append(at, time.Now())
		if len(at) == 1 {
			edit(t, src, api.Edit{Op: api.EditSet, Key: "0", Value: "7"})
		} else if p.Entries[0].Value.Text == "7" {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || len(at) != 2 {
		t.Fatalf("%d pages, %v", len(at), err)
	}
	if d := at[1].Sub(at[0]); d < 90*time.Millisecond {
		t.Errorf("the second page came after %v, want at least 100 ms", d)
	}
	enough := errors.New("enough")
	if err := Watch(t.Context(), src, api.WatchRequest{}, func(api.Page) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("Watch: %v, want the callback's error", err)
	}
}

func BenchmarkQuery(b *testing.B) {
	src := newMap(b, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 32, MaxEntries: 1_000_000}, u64(), nil)
	const n = 1_000_000
	for at := uint64(0); at < n; at += 10_000 {
		keys, values := make([]uint64, 10_000), make([][4]uint64, 10_000)
		for i := range keys {
			keys[i], values[i][0] = at+uint64(i), uint64(i)
		}
		if _, err := src.Map.BatchUpdate(keys, values, nil); err != nil {
			b.Fatal(err)
		}
	}
	for name, req := range map[string]api.QueryRequest{
		"kernel order": {}, "by key": {Order: "-key"}, "by value": {Order: "value", Offset: 10_000}, "filter": {Where: "99999"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page, err := Query(b.Context(), src, req)
				if err != nil || page.Scanned != n {
					b.Fatal(page.Scanned, err)
				}
			}
		})
	}
}
