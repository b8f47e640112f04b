//go:build kernel && linux

package maps

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func lookupOf(t *testing.T, src Source, keys ...string) string {
	t.Helper()
	entries, err := Lookup(t.Context(), src, api.LookupRequest{Keys: keys})
	if err != nil {
		return string(api.KindOf(err))
	}
	return texts(api.Page{Entries: entries})
}

func TestSingles(t *testing.T)      { singles(t) }
func TestSinglesOn61(t *testing.T)  { singlesOn(t, "6.1") }
func TestSinglesOn612(t *testing.T) { singlesOn(t, "6.12") }

func singlesOn(t *testing.T, version string) {
	if kerneltest.InGuest(t, version) {
		singles(t)
	}
}

func singles(t *testing.T) {
	t.Run("queue", testPushPop)
	t.Run("bloom filter", testBloom)
	t.Run("storage", testStorageByKey)
	t.Run("fields", testFields)
}

func testPushPop(t *testing.T) {
	for typ, want := range map[ebpf.MapType]string{ebpf.Queue: "1", ebpf.Stack: "3"} {
		src := newMap(t, &ebpf.MapSpec{Type: typ, ValueSize: 4, MaxEntries: 3}, nil, u32())
		if got := lookupOf(t, src); got != string(api.ErrNotExist) {
			t.Errorf("peek of an empty %v: %s", typ, got)
		}
		edit(t, src, api.Edit{Op: api.EditPush, Value: "1"}, api.Edit{Op: api.EditPush, Value: "2"}, api.Edit{Op: api.EditPush, Value: "3"})
		for range 2 {
			if got := lookupOf(t, src); got != "="+want {
				t.Errorf("peek of a %v: %s, want %s", typ, got, want)
			}
		}
		full := api.EditRequest{Edits: []api.Edit{{Op: api.EditPush, Value: "4"}}}
		if _, err := Edit(t.Context(), src, full); err == nil || !strings.Contains(err.Error(), "the map is full") {
			t.Errorf("a push to a full %v: %v", typ, err)
		}
		if _, err := Edit(t.Context(), src, api.EditRequest{DryRun: true, Edits: []api.Edit{{Op: api.EditPop}}}); err != nil {
			t.Error(err)
		}
		res := edit(t, src, api.Edit{Op: api.EditPop}, api.Edit{Op: api.EditPop}, api.Edit{Op: api.EditPop})
		if res.Changes[0].Before.Text != want || res.Changes[1].Before.Text != "2" {
			t.Errorf("%v: popped %+v", typ, res.Changes)
		}
		_, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{{Op: api.EditPop}}})
		if !errors.Is(err, api.ErrNotExist) {
			t.Errorf("a pop of an empty %v: %v", typ, err)
		}
		_, err = Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{{Op: api.EditSet, Key: "1", Value: "1"}}})
		if !errors.Is(err, api.ErrNotSupported) {
			t.Errorf("a set in a %v: %v", typ, err)
		}
	}
}

func testBloom(t *testing.T) {
	src := create(t, &ebpf.MapSpec{Type: ebpf.BloomFilter, ValueSize: 4, MaxEntries: 100})
	src.Value = u32()
	edit(t, src, api.Edit{Op: api.EditPush, Value: "77"})
	if got := lookupOf(t, src, "77"); got != "=77" {
		t.Errorf("77 is in it: %s", got)
	}
	if got := lookupOf(t, src, "78"); got != string(api.ErrNotExist) {
		t.Errorf("78 is not in it: %s", got)
	}
}

func testStorageByKey(t *testing.T) {
	task := storage(t, ebpf.TaskStorage)
	pid := fmt.Sprint(os.Getpid())
	edit(t, task, api.Edit{Op: api.EditSet, Key: pid, Value: "5"})
	if got := lookupOf(t, task, pid); got != pid+"=5" {
		t.Errorf("task storage = %s", got)
	}
	edit(t, task, api.Edit{Op: api.EditDelete, Key: pid})
	if got := lookupOf(t, task, pid); got != string(api.ErrNotExist) {
		t.Errorf("task storage after a delete = %s", got)
	}
	if got := lookupOf(t, task, "x"); got != string(api.ErrInvalid) {
		t.Errorf("task storage of x = %s", got)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f, err := conn.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	key := fmt.Sprintf("%d/%d", os.Getpid(), f.Fd())
	socket := storage(t, ebpf.SkStorage)
	edit(t, socket, api.Edit{Op: api.EditSet, Key: key, Value: "6"})
	if got := lookupOf(t, socket, key); got != key+"=6" {
		t.Errorf("socket storage = %s", got)
	}
}

func testFields(t *testing.T) {
	for _, typ := range []ebpf.MapType{ebpf.Hash, ebpf.PerCPUHash} {
		src := traffic(t, typ, 3)
		edit(t, src, api.Edit{Op: api.EditSet, Key: "10.0.0.2", Fields: []string{"bytes=7", "comm=new one"}})
		got := query(t, src, api.QueryRequest{Where: "key == 10.0.0.2"}).Entries[0].Value.Text
		if want := `{bytes: 7, n: 2, comm: "new one"}`; got != want {
			t.Errorf("%v: %s, want %s", typ, got, want)
		}
		for _, e := range []api.Edit{
			{Op: api.EditSet, Key: "10.0.0.2", Fields: []string{"byte=7"}},
			{Op: api.EditSet, Key: "10.0.0.2", Fields: []string{"n=4294967296"}},
			{Op: api.EditSet, Key: "10.0.0.2", Fields: []string{"n"}},
		} {
			_, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{e}})
			if !errors.Is(err, api.ErrInvalid) {
				t.Errorf("%v: %v", e.Fields, err)
			}
			t.Log(err)
		}
	}
}

func TestStats(t *testing.T) {
	src := traffic(t, ebpf.PerCPUHash, 5)
	stats, err := Stats(t.Context(), src, api.StatsRequest{Where: "n > 0"})
	if err != nil || stats.Entries != 4 || stats.Scanned != 5 || len(stats.Fields) != 2 {
		t.Fatalf("stats = %+v, %v", stats, err)
	}
	cpus := float64(ebpf.MustPossibleCPU())
	if f := stats.Fields[0]; f.Name != "value.bytes" || f.Min != 1000*cpus || f.Max != 4000*cpus || f.Sum != 10000*cpus {
		t.Errorf("bytes = %+v", f)
	}
	ring := create(t, &ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096})
	if stats, err = Stats(t.Context(), ring, api.StatsRequest{}); err != nil || stats.Buffer == nil || stats.Buffer.Bytes != 4096 {
		t.Errorf("stats of a ring buffer = %+v, %v", stats, err)
	}
}

// TestChurnComplete: what stays in a map is exported once each while another
// goroutine changes the rest.
func TestChurnComplete(t *testing.T) {
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 50_000}, u32(), u64())
	fill(t, src, 20_000)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := uint32(0); ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = src.Map.Put(1_000_000+i%10_000, uint64(i))
			_ = src.Map.Delete(1_000_000 + (i+5000)%10_000)
		}
	}()
	for range 5 {
		seen := map[uint32]int{}
		_, err := Export(t.Context(), src, api.ExportRequest{}, func(c api.Chunk) error {
			for _, e := range c.Entries {
				seen[binary.LittleEndian.Uint32(e.Key.Raw)]++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for k := range uint32(20_000) {
			if seen[k] != 1 {
				t.Fatalf("entry %d was seen %d times", k, seen[k])
			}
		}
	}
	close(stop)
	<-done
}

// TestFullBucket: a batch that is too small for a bucket is doubled, and nothing is
// seen twice.
func TestFullBucket(t *testing.T) {
	src := hash(t, 5000)
	for _, batch := range []int{1, 2, 3, 4096} {
		v, err := newView("test", src)
		if err != nil {
			t.Fatal(err)
		}
		v.batch = batch
		seen := map[uint32]int{}
		_, err = v.pipe(t.Context(), func(key, _ []byte) error {
			seen[binary.LittleEndian.Uint32(key)]++
			return nil
		})
		if err != nil || len(seen) != 5000 {
			t.Errorf("batches of %d: %d entries, %v", batch, len(seen), err)
		}
		for k, n := range seen {
			if n != 1 {
				t.Errorf("batches of %d: entry %d was seen %d times", batch, k, n)
			}
		}
	}
}

// TestGoneInner: a map in a map is replaced between the look at its id and opening it.
func TestGoneInner(t *testing.T) {
	inner := &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 10}
	outer := newMap(t, &ebpf.MapSpec{Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 4, InnerMap: inner}, u32(), nil)
	src := newMap(t, inner.Copy(), u32(), u64())
	if err := outer.Map.Put(uint32(1), src.Map); err != nil {
		t.Fatal(err)
	}
	outer.Open = func(uint32) (Source, error) {
		return Source{}, api.Errorf("open", "", api.ErrNotExist, "no such map")
	}
	if page := query(t, outer, api.QueryRequest{Descend: true}); len(page.Entries) != 0 {
		t.Errorf("entries of maps that are gone: %+v", page.Entries)
	}
}
