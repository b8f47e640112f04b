//go:build kernel && linux

package maps

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func edit(t *testing.T, src Source, edits ...api.Edit) api.EditResult {
	t.Helper()
	res, err := Edit(t.Context(), src, api.EditRequest{Edits: edits})
	if err != nil {
		t.Fatalf("Edit(%+v): %v", edits, err)
	}
	return res
}

func TestEdit(t *testing.T) {
	src := hash(t, 3)
	res := edit(t, src,
		api.Edit{Op: api.EditSet, Key: "0x1", Value: "5"},
		api.Edit{Op: api.EditDelete, Key: "2"},
		api.Edit{Op: api.EditSet, Key: "9", Value: "0x10"})
	if res.Applied != 3 || len(res.Changes) != 3 {
		t.Fatalf("result = %+v", res)
	}
	c := res.Changes
	if c[0].Before.Text != "100" || c[0].After.Text != "5" || c[1].After != nil || c[2].Before != nil {
		t.Errorf("changes = %+v", c)
	}
	if got := texts(query(t, src, api.QueryRequest{Order: "key"})); got != "0=0 1=5 9=16" {
		t.Errorf("entries = %s", got)
	}
}

func TestEditStopsAtFirst(t *testing.T) {
	src := hash(t, 3)
	res, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{
		{Op: api.EditSet, Key: "0", Value: "1"}, {Op: api.EditSet, Key: "1", Value: "many"}, {Op: api.EditDelete, Key: "2"},
	}})
	if !errors.Is(err, api.ErrInvalid) || res.Applied != 1 || len(res.Changes) != 1 {
		t.Errorf("result = %+v, %v", res, err)
	}
	if got, want := fmt.Sprint(err), `edit map mapstest: value: "many" is no __u64`; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if got := texts(query(t, src, api.QueryRequest{Order: "key"})); got != "0=1 1=100 2=200" {
		t.Errorf("entries = %s", got)
	}
}

func TestEditExpect(t *testing.T) {
	src := hash(t, 2)
	is := func(v uint64) *api.Hex {
		h := api.Hex(binary.LittleEndian.AppendUint64(nil, v))
		return &h
	}
	edit(t, src, api.Edit{Op: api.EditSet, Key: "1", Value: "101", Expect: is(100)})
	edit(t, src, api.Edit{Op: api.EditSet, Key: "7", Value: "1", Expect: &api.Hex{}})
	for _, e := range []api.Edit{
		{Op: api.EditSet, Key: "1", Value: "102", Expect: is(100)},
		{Op: api.EditDelete, Key: "1", Expect: is(100)},
		{Op: api.EditDelete, Key: "8", Expect: is(100)},
		{Op: api.EditSet, Key: "1", Value: "102", Expect: &api.Hex{}},
	} {
		for _, dry := range []bool{true, false} {
			res, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{e}, DryRun: dry})
			if !errors.Is(err, api.ErrConflict) || res.Applied != 0 {
				t.Errorf("%+v (dry %v): %+v, %v; want ErrConflict", e, dry, res, err)
			}
		}
	}
	if got := texts(query(t, src, api.QueryRequest{Order: "key"})); got != "0=0 1=101 7=1" {
		t.Errorf("entries = %s", got)
	}
}

func TestEditDryRun(t *testing.T) {
	src := hash(t, 2)
	res, err := Edit(t.Context(), src, api.EditRequest{DryRun: true, Edits: []api.Edit{
		{Op: api.EditSet, Key: "0", Value: "1"}, {Op: api.EditDelete, Key: "1"},
	}})
	if err != nil || res.Applied != 2 || res.Changes[0].After.Text != "1" || res.Changes[1].Before.Text != "100" {
		t.Errorf("result = %+v, %v", res, err)
	}
	if got := texts(query(t, src, api.QueryRequest{Order: "key"})); got != "0=0 1=100" {
		t.Errorf("entries after a dry run = %s", got)
	}
}

func TestEditErrors(t *testing.T) {
	array := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 3}, u32(), u64())
	full := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1}, u32(), u64())
	edit(t, full, api.Edit{Op: api.EditSet, Key: "1", Value: "1"})
	frozen := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 3}, u32(), u64())
	if err := frozen.Map.Freeze(); err != nil {
		t.Fatal(err)
	}
	readOnly := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 3, Flags: 1 << 3}, u32(), u64())
	trie := newMap(t, &ebpf.MapSpec{Type: ebpf.LPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 3, Flags: 1}, nil, u64())
	for _, c := range []struct {
		src  Source
		edit api.Edit
		kind api.Kind
		text string
	}{
		{array, api.Edit{Op: api.EditDelete, Key: "1"}, api.ErrNotSupported, "always exist"},
		{array, api.Edit{Op: api.EditSet, Key: "3", Value: "1"}, api.ErrInvalid, "index 3 is not below 3"},
		{array, api.Edit{Op: api.EditSet, Key: "x", Value: "1"}, api.ErrInvalid, `key: "x" is no __u32`},
		{array, api.Edit{Op: "swap", Key: "1"}, api.ErrUsage, `"swap" is none of set, delete, push, pop`},
		{full, api.Edit{Op: api.EditSet, Key: "2", Value: "1"}, api.ErrFailed, "the map is full: max_entries is 1"},
		{full, api.Edit{Op: api.EditDelete, Key: "2"}, api.ErrNotExist, "no entry has the key 2"},
		{frozen, api.Edit{Op: api.EditSet, Key: "1", Value: "1"}, api.ErrPermission, "frozen"},
		{readOnly, api.Edit{Op: api.EditSet, Key: "1", Value: "1"}, api.ErrPermission, "BPF_F_RDONLY"},
		{trie, api.Edit{Op: api.EditSet, Key: "hex:ff000000 0a000000", Value: "1"}, api.ErrInvalid, "the kernel refuses this"},
	} {
		_, err := Edit(t.Context(), c.src, api.EditRequest{Edits: []api.Edit{c.edit}})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("Edit(%v, %+v) = %v, want %s: %s", c.src.Map.Type(), c.edit, err, c.kind, c.text)
		}
	}
	if page := query(t, frozen, api.QueryRequest{}); page.Matched != 3 {
		t.Errorf("a frozen map shows %d entries", page.Matched)
	}
}
