//go:build kernel

package local_test

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/rtnl"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

//go:generate clang -target bpf -O2 -g -Wall -Werror -mcpu=v3 -ffile-prefix-map=$PWD=. -c testdata/replace.bpf.c -o testdata/replace.bpf.o
//go:generate llvm-strip -g testdata/replace.bpf.o

//go:embed testdata/replace.bpf.o
var replaceObject []byte

// cgroup makes a cgroup of the test's own.
func cgroup(t *testing.T) string {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
			continue
		}
		dir, err := os.MkdirTemp(root, "ebpfdev-replace-test-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		return dir
	}
	t.Fatal("no cgroup2 here")
	return ""
}

// loUp sets the loopback interface of the tests' network namespace up.
func loUp(t *testing.T) {
	t.Helper()
	kerneltest.Require(t)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], uint32(lo.Index))
	binary.NativeEndian.PutUint32(body[8:], unix.IFF_UP)
	binary.NativeEndian.PutUint32(body[12:], unix.IFF_UP)
	if _, err := rtnl.Do(rtnl.Message{Type: unix.RTM_NEWLINK, Body: body}); err != nil {
		t.Fatal(err)
	}
}

// replaceRequest loads all programs of the object.
func replaceRequest(t *testing.T, project, cgroup string, lifetime api.Lifetime) api.LoadRequest {
	t.Helper()
	return api.LoadRequest{
		Project: project, Object: api.Object{Name: "replace.bpf.o", Data: replaceObject}, Lifetime: lifetime,
		Attach: []api.AttachOption{
			{Program: "on_xdp", Target: "lo", Mode: "generic"},
			{Program: "on_egress", Target: "lo"},
			{Program: "on_cgroup", Target: cgroup},
			{Program: "on_lookup", Target: "self"},
			{Program: "on_flow", Target: "self"},
		},
	}
}

func mustLoad(t *testing.T, target api.Target, req api.LoadRequest) api.LoadResult {
	t.Helper()
	res, err := target.Load(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func linkOf(t *testing.T, res api.LoadResult, program string) api.Link {
	t.Helper()
	for _, l := range res.Links {
		if l.Program == program {
			return l
		}
	}
	t.Fatalf("no link of %s in %+v", program, res.Links)
	return api.Link{}
}

// hitsMap opens the map that a load counts in.
func hitsMap(t *testing.T, res api.LoadResult) *ebpf.Map {
	t.Helper()
	for _, m := range res.Maps {
		if m.Name != "hits" {
			continue
		}
		found, err := ebpf.NewMapFromID(ebpf.MapID(m.ID))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { found.Close() })
		return found
	}
	t.Fatal("no map hits")
	return nil
}

func hits(t *testing.T, m *ebpf.Map, slot uint32) (n uint64) {
	t.Helper()
	if err := m.Lookup(slot, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// traffic sends packets over lo until stop is called, which returns how many.
func traffic(t *testing.T) (stop func() uint64) {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done, sent := make(chan struct{}), make(chan uint64)
	go func() {
		defer c.Close()
		for n := uint64(0); ; {
			select {
			case <-done:
				sent <- n
				return
			default:
			}
			if _, err := c.WriteTo([]byte("x"), c.LocalAddr()); err == nil {
				n++
				_, _, _ = c.ReadFrom(make([]byte, 1))
			}
		}
	}()
	return func() uint64 { close(done); return <-sent }
}

// Every mix of lifetimes: links that can be updated are, and no packet passes
// without a program.
func TestReplaceInPlace(t *testing.T) {
	loUp(t)
	for _, mix := range [][2]api.Lifetime{
		{api.LifetimePinned, api.LifetimePinned},
		{api.LifetimeSession, api.LifetimeSession},
		{api.LifetimePinned, api.LifetimeSession},
		{api.LifetimeSession, api.LifetimePinned},
	} {
		t.Run(string(mix[0])+" by "+string(mix[1]), func(t *testing.T) {
			target := open(t)
			project, dir := "replace", cgroup(t)
			old := mustLoad(t, target, replaceRequest(t, project, dir, mix[0]))
			t.Cleanup(func() { _, _ = target.Unload(background(), api.UnloadRequest{Project: project}) })
			oldHits := hitsMap(t, old)
			stop := traffic(t)
			req := replaceRequest(t, project, dir, mix[1])
			req.Replace = true
			res := mustLoad(t, target, req)
			sent := stop()
			newHits := hitsMap(t, res)
			for slot, name := range map[uint32]string{0: "on_xdp", 1: "on_egress"} {
				if got := hits(t, oldHits, slot) + hits(t, newHits, slot); got != sent || sent == 0 {
					t.Errorf("%s ran for %d of %d packets", name, got, sent)
				}
			}
			checkReplaced(t, old, res)
			if (mix[1] == api.LifetimePinned) != (len(pinned(t)) > 0) {
				t.Errorf("pins: %q", pinned(t))
			}
			for _, path := range res.Pins {
				if _, err := os.Stat(path); err != nil || strings.Contains(path, "~") {
					t.Errorf("the result has the pin %s: %v", path, err)
				}
			}
			unloaded, err := target.Unload(t.Context(), api.UnloadRequest{Project: project})
			if err != nil || len(unloaded.Removed) == 0 || len(unloaded.Kept) != 0 {
				t.Errorf("Unload = %+v, %v", unloaded, err)
			}
			if left := pinned(t); len(left) != 0 {
				t.Errorf("left: %q", left)
			}
			if links, err := target.ListLinks(t.Context(), api.ListRequest{IDs: []uint32{linkOf(t, res, "on_xdp").ID}}); err != nil || len(links) != 0 {
				t.Errorf("the link is still there: %+v, %v", links, err)
			}
		})
	}
}

// checkReplaced checks which links stayed and that the result says so.
func checkReplaced(t *testing.T, old, res api.LoadResult) {
	t.Helper()
	for _, name := range []string{"on_xdp", "on_egress", "on_cgroup", "on_lookup", "on_flow", "on_call"} {
		before, after := linkOf(t, old, name), linkOf(t, res, name)
		how := api.ReplacedInPlace
		if name == "on_call" {
			how = api.ReplacedOverlap
		}
		if (before.ID == after.ID) != (how == api.ReplacedInPlace) || before.ProgramID == after.ProgramID {
			t.Errorf("%s: link %d of program %d became link %d of program %d", name, before.ID, before.ProgramID, after.ID, after.ProgramID)
		}
		if !slices.Contains(res.Replaced, api.Replacement{Program: name, How: how}) {
			t.Errorf("%s: the result says %+v", name, res.Replaced)
		}
		for _, path := range after.Pinned {
			if strings.Contains(path, "~") {
				t.Errorf("the result has the path %s", path)
			}
		}
	}
}

// Where there is room for one program only and another has it, the old one is
// removed first, and the result says so.
func TestReplaceAfterGap(t *testing.T) {
	loUp(t)
	data, err := os.ReadFile("../bpf/attach/testdata/replace.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	target := open(t)
	project := "replace"
	old := mustLoad(t, target, replaceRequest(t, project, cgroup(t), api.LifetimePinned))
	t.Cleanup(func() { _, _ = target.Unload(background(), api.UnloadRequest{Project: project}) })
	res := mustLoad(t, target, api.LoadRequest{
		Project: project, Object: api.Object{Name: "other.bpf.o", Data: data}, Replace: true,
		Attach: []api.AttachOption{{Program: "replaced_xdp_program", Target: "lo", Mode: "generic"}},
	})
	if l := linkOf(t, res, "replaced_xdp_program"); l.ID == linkOf(t, old, "on_xdp").ID || l.Target != "xdp on lo" {
		t.Errorf("the new link is %+v", l)
	}
	for _, name := range []string{"on_xdp", "on_egress", "on_call"} {
		if !slices.Contains(res.Replaced, api.Replacement{Program: name, How: api.ReplacedByNone}) {
			t.Errorf("%s: the result says %+v", name, res.Replaced)
		}
	}
	if links, err := target.ListLinks(t.Context(), api.ListRequest{Project: project}); err != nil || len(links) != 1 {
		t.Errorf("links %+v, %v", links, err)
	}
}

// After a load that fails what was there goes on, with its own programs.
func TestFailedReplaceGoesBack(t *testing.T) {
	loUp(t)
	for _, lifetime := range []api.Lifetime{api.LifetimePinned, api.LifetimeSession} {
		t.Run(string(lifetime), func(t *testing.T) {
			target := open(t)
			project, dir := "replace", cgroup(t)
			old := mustLoad(t, target, replaceRequest(t, project, dir, lifetime))
			t.Cleanup(func() { _, _ = target.Unload(background(), api.UnloadRequest{Project: project}) })
			before := pinned(t)
			// Programs are attached by their names: of on_xdp the link was updated.
			req := replaceRequest(t, project, dir, lifetime)
			req.Replace = true
			req.Attach[0], req.Attach[4] = req.Attach[4], req.Attach[0]
			req.Attach = append(req.Attach[:4], api.AttachOption{Program: "on_xdp", Target: "none0"})
			req.Attach[0] = api.AttachOption{Program: "on_flow", Target: "self"}
			if _, err := target.Load(t.Context(), req); !errors.Is(err, api.ErrNotExist) {
				t.Fatalf("Load: %v", err)
			}
			links, err := target.ListLinks(t.Context(), api.ListRequest{Project: project})
			if err != nil || len(links) != len(old.Links) {
				t.Fatalf("links %+v, %v", links, err)
			}
			for _, l := range links {
				if was := linkOf(t, old, l.Program); was.ID != l.ID || was.ProgramID != l.ProgramID {
					t.Errorf("%s: link %d of program %d became link %d of program %d", l.Program, was.ID, was.ProgramID, l.ID, l.ProgramID)
				}
			}
			if after := pinned(t); !slices.Equal(before, after) {
				t.Errorf("pins before %q, after %q", before, after)
			}
			// It can be replaced still.
			good := replaceRequest(t, project, dir, lifetime)
			good.Replace = true
			checkReplaced(t, old, mustLoad(t, target, good))
		})
	}
}

// A pin that holds something else is in the way, and stays.
func TestReplaceLeavesForeignPins(t *testing.T) {
	loUp(t)
	target := open(t)
	project, dir := "replace", cgroup(t)
	old := mustLoad(t, target, replaceRequest(t, project, dir, api.LifetimePinned))
	foreign := filepath.Join(kerneltest.BPFFS, "ebpfdev", project, "maps", "hits")
	if err := os.Remove(foreign); err != nil {
		t.Fatal(err)
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Pin(foreign); err != nil {
		t.Fatal(err)
	}
	req := replaceRequest(t, project, dir, api.LifetimePinned)
	req.Replace = true
	if _, err := target.Load(t.Context(), req); !errors.Is(err, api.ErrConflict) || !strings.Contains(err.Error(), foreign) {
		t.Errorf("Load: %v", err)
	}
	if l, err := target.ListLinks(t.Context(), api.ListRequest{Project: project}); err != nil || len(l) != len(old.Links) {
		t.Errorf("links %+v, %v", l, err)
	}
	res, err := target.Unload(t.Context(), api.UnloadRequest{Project: project})
	if err != nil || len(res.Kept) != 1 || !strings.HasPrefix(res.Kept[0], foreign+": it holds") {
		t.Errorf("Unload = %+v, %v", res, err)
	}
	if err := os.RemoveAll(filepath.Join(kerneltest.BPFFS, "ebpfdev", project)); err != nil {
		t.Fatal(err)
	}
}

// What is attached without a link is told, replaced in place, and not pinned.
func TestAttachedWithoutALink(t *testing.T) {
	loUp(t)
	data, err := os.ReadFile("../bpf/globals/testdata/globals.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	target := open(t)
	req := api.LoadRequest{
		Project: "linkless", Object: api.Object{Name: "globals.bpf.o", Data: data}, Lifetime: api.LifetimeSession,
		Attach: []api.AttachOption{{Program: "filter", Target: "lo"}},
	}
	t.Cleanup(func() { _, _ = target.Unload(background(), api.UnloadRequest{Project: req.Project}) })
	for _, how := range []api.ReplacementWay{"", api.ReplacedInPlace} {
		res := mustLoad(t, target, req)
		if len(res.Links) != 0 || len(res.Attached) != 1 || res.Attached[0] != (api.Attachment{ProgramID: res.Programs[0].ID, Target: "socket lo"}) {
			t.Errorf("links %+v, attached %+v", res.Links, res.Attached)
		}
		if how != "" && (len(res.Replaced) != 1 || res.Replaced[0].How != how) {
			t.Errorf("the result says that it replaced %+v", res.Replaced)
		}
		req.Replace = true
	}
	req.Project, req.Lifetime, req.Replace = "pinned", api.LifetimePinned, false
	if _, err := target.Load(t.Context(), req); !errors.Is(err, api.ErrNotSupported) || api.HintOf(err) != "ebpfdev run" {
		t.Errorf("a load that pins: %v (hint %q)", err, api.HintOf(err))
	}
	if left := pinned(t); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}
