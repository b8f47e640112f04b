//go:build kernel

package local_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }

// remember puts an entry into the map memory, and tells whether it is there.
func remember(t *testing.T, res api.LoadResult, put bool) (id uint32, there bool) {
	t.Helper()
	for _, m := range res.Maps {
		if m.Name != "memory" {
			continue
		}
		found, err := ebpf.NewMapFromID(ebpf.MapID(m.ID))
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		if put {
			if err := found.Put(uint32(99), uint64(1)); err != nil {
				t.Fatal(err)
			}
		}
		return m.ID, found.Lookup(uint32(99), new(uint64)) == nil
	}
	t.Fatal("no map memory")
	return 0, false
}

// Maps are taken over by a load of any lifetime, and with them their entries.
func TestReuseMaps(t *testing.T) {
	loUp(t)
	for _, mix := range [][2]api.Lifetime{
		{api.LifetimePinned, api.LifetimePinned}, {api.LifetimePinned, api.LifetimeSession}, {api.LifetimeSession, api.LifetimePinned},
	} {
		t.Run(string(mix[0])+" by "+string(mix[1]), func(t *testing.T) {
			target := open(t)
			project, dir := "reuse", cgroup(t)
			old := mustLoad(t, target, replaceRequest(t, project, dir, mix[0]))
			t.Cleanup(func() { _, _ = target.Unload(background(), api.UnloadRequest{Project: project}) })
			before, _ := remember(t, old, true)
			req := replaceRequest(t, project, dir, mix[1])
			req.Replace, req.ReuseMaps = true, true
			stop := traffic(t)
			res := mustLoad(t, target, req)
			sent := stop()
			if after, there := remember(t, res, false); after != before || !there {
				t.Errorf("map %d became map %d, with its entry: %v", before, after, there)
			}
			if got := hits(t, hitsMap(t, res), 0); got != sent || sent == 0 {
				t.Errorf("%d of %d packets are counted in the map", got, sent)
			}
			// Of another size they are refused, and everything goes on.
			req.Maps = []api.MapOption{{Name: "memory", MaxEntries: 32}}
			if _, err := target.Load(t.Context(), req); !errors.Is(err, api.ErrConflict) || !strings.Contains(err.Error(), "max entries: it has 16, the object 32") {
				t.Errorf("Load: %v", err)
			}
			if links, err := target.ListLinks(t.Context(), api.ListRequest{Project: project}); err != nil || len(links) != len(res.Links) {
				t.Errorf("links %+v, %v", links, err)
			}
			if _, err := target.Unload(t.Context(), api.UnloadRequest{Project: project}); err != nil || len(pinned(t)) != 0 {
				t.Errorf("left: %q, %v", pinned(t), err)
			}
		})
	}
}

// A map is pinned where the person says: it is made there, used from there, and
// taken back by who made it.
func TestPinnedElsewhere(t *testing.T) {
	loUp(t)
	target := open(t)
	dir := cgroup(t)
	path := filepath.Join(kerneltest.BPFFS, "memory_of_all")
	owner := replaceRequest(t, "owner", dir, api.LifetimePinned)
	owner.Maps = []api.MapOption{{Name: "memory", Pin: path, MaxEntries: 64}}
	res := mustLoad(t, target, owner)
	for _, project := range []string{"owner", "guest"} {
		t.Cleanup(func() { _, _ = target.Unload(background(), api.UnloadRequest{Project: project}) })
	}
	if !slices.Contains(res.Pins, path) || !exists(path) {
		t.Errorf("pins %q, there: %v", res.Pins, exists(path))
	}
	id, _ := remember(t, res, true)

	guest := replaceRequest(t, "guest", dir, api.LifetimePinned)
	guest.Attach = guest.Attach[2:3] // the cgroup; the rest has an owner
	guest.Maps = []api.MapOption{{Name: "memory", Pin: path}}
	if _, err := target.Load(t.Context(), guest); !errors.Is(err, api.ErrConflict) || !strings.Contains(err.Error(), "it has 64, the object 16") {
		t.Errorf("Load with a map of another size: %v", err)
	}
	guest.Maps[0].MaxEntries = 64
	used := mustLoad(t, target, guest)
	if got, there := remember(t, used, false); got != id || !there {
		t.Errorf("the guest has map %d, want %d with its entry", got, id)
	}
	if _, err := target.Unload(t.Context(), api.UnloadRequest{Project: "guest"}); err != nil || !exists(path) {
		t.Errorf("after the guest the pin is there: %v, %v", exists(path), err)
	}

	// A replacement keeps it, and one without the option takes it back.
	owner.Replace = true
	again := mustLoad(t, target, owner)
	if got, _ := remember(t, again, false); got != id || !exists(path) {
		t.Errorf("after a replacement it is map %d, want %d", got, id)
	}
	owner.Maps = nil
	mustLoad(t, target, owner)
	if exists(path) {
		t.Error("after a replacement without it the pin is there")
	}
	owner.Maps = []api.MapOption{{Name: "memory", Pin: path}}
	mustLoad(t, target, owner)
	if _, err := target.Unload(t.Context(), api.UnloadRequest{Project: "owner"}); err != nil || exists(path) || len(pinned(t)) != 0 {
		t.Errorf("left: %q, %v, the pin is there: %v", pinned(t), err, exists(path))
	}

	session := replaceRequest(t, "session", dir, api.LifetimeSession)
	session.Maps = owner.Maps
	if _, err := target.Load(t.Context(), session); !errors.Is(err, api.ErrUsage) {
		t.Errorf("a session's load that pins: %v", err)
	}
	session.Maps = []api.MapOption{{Name: "memory", Pin: "memory"}}
	if _, err := target.Load(t.Context(), session); !errors.Is(err, api.ErrUsage) {
		t.Errorf("a relative path: %v", err)
	}
}

// A program goes with its links, a pin by its path, and the rest stays.
func TestUnloadSome(t *testing.T) {
	loUp(t)
	target := open(t)
	project := "some"
	res := mustLoad(t, target, replaceRequest(t, project, cgroup(t), api.LifetimePinned))
	t.Cleanup(func() { _, _ = target.Unload(background(), api.UnloadRequest{Project: project}) })
	unload := func(names ...string) []string {
		t.Helper()
		got, err := target.Unload(t.Context(), api.UnloadRequest{Project: project, Names: names})
		if err != nil || len(got.Kept) != 0 {
			t.Fatalf("Unload of %q: %+v, %v", names, got, err)
		}
		return got.Removed
	}
	root := filepath.Join(kerneltest.BPFFS, "ebpfdev", project)
	if got := unload("on_xdp"); !slices.Equal(got, []string{root + "/links/on_xdp", root + "/programs/on_xdp"}) {
		t.Errorf("removed %q", got)
	}
	if got := unload(root + "/links/on_egress"); !slices.Equal(got, []string{root + "/links/on_egress"}) || !exists(root+"/programs/on_egress") {
		t.Errorf("removed %q", got)
	}
	for _, name := range []string{"on_xdq", "on_xdp", "/sys/fs/bpf/none", kerneltest.BPFFS} {
		if _, err := target.Unload(t.Context(), api.UnloadRequest{Project: project, Names: []string{"on_call", name}}); !errors.Is(err, api.ErrNotExist) || api.HintOf(err) == "" {
			t.Errorf("Unload of %s: %v", name, err)
		}
	}
	links, err := target.ListLinks(t.Context(), api.ListRequest{Project: project})
	if err != nil || len(links) != len(res.Links)-2 {
		t.Errorf("%d links are left of %d, %v", len(links), len(res.Links), err)
	}
}
