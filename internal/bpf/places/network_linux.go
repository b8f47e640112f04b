package places

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/rtnl"
)

// namespace is a network namespace and a process that is in it.
type namespace struct {
	path string // of a file that setns takes; empty for the one that this process is in
	name string // "net:[4026531840]"
	who  string // "nginx (pid 17)"
}

// Network returns what is attached to network interfaces, and to the network
// namespace itself, of this process's namespace or of those of all processes that
// are seen. A namespace that cannot be entered is left out.
// Errors: ErrPermission.
func Network(ctx context.Context, all bool) ([]api.Place, error) {
	spaces := []namespace{{name: nameOf("/proc/self/ns/net")}}
	if all {
		spaces = namespaces(spaces[0])
	}
	places := []api.Place{}
	for _, ns := range spaces {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found, err := within(ns, network)
		if errors.Is(err, os.ErrPermission) && ns.path == "" {
			return nil, api.E(op, "net", api.ErrPermission, err).WithHint("ebpfdev doctor")
		}
		if err != nil && ns.path == "" {
			return nil, api.E(op, "net", "", err)
		}
		for _, p := range found {
			p.Namespace, p.Process = ns.name, ns.who
			places = append(places, p)
		}
	}
	return places, nil
}

func nameOf(file string) string {
	name, _ := os.Readlink(file) // without /proc there is no name
	return name
}

// namespaces finds the namespaces of all processes, this one's first.
func namespaces(own namespace) []namespace {
	list, seen := []namespace{own}, map[string]bool{own.name: true}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		path := filepath.Join("/proc", e.Name(), "ns/net")
		name := nameOf(path)
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		comm, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "comm"))
		list = append(list, namespace{path, name, fmt.Sprintf("%s (pid %d)", strings.TrimSpace(string(comm)), pid)})
	}
	return list
}

// within calls fn in a namespace, on a thread that ends with it: one that has been
// elsewhere is of no use to others.
func within(ns namespace, fn func() ([]api.Place, error)) (places []api.Place, err error) {
	if ns.path == "" {
		return fn()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked
		var file *os.File
		if file, err = os.Open(ns.path); err != nil {
			return
		}
		defer file.Close()
		if err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err == nil {
			places, err = fn()
		}
	}()
	<-done
	return places, err
}

// network looks at the namespace of the calling thread.
func network() ([]api.Place, error) {
	list, err := rtnl.Do(rtnl.Message{Type: unix.RTM_GETLINK, Flags: unix.NLM_F_DUMP, Body: make([]byte, unix.SizeofIfInfomsg)})
	if err != nil {
		return nil, err
	}
	var places []api.Place
	for _, m := range list {
		if m.Type != unix.RTM_NEWLINK || len(m.Body) < unix.SizeofIfInfomsg {
			continue
		}
		index := int(binary.NativeEndian.Uint32(m.Body[4:]))
		attrs := m.Body[unix.SizeofIfInfomsg:]
		name := strings.TrimRight(string(rtnl.Find(attrs, unix.IFLA_IFNAME)), "\x00")
		on := append(xdp(rtnl.Find(attrs, unix.IFLA_XDP)), queried(index, interfaceHooks())...)
		on = append(on, filters(index)...)
		for _, p := range on {
			p.Where = name
			places = append(places, p)
		}
	}
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return places, nil // the interfaces are something
	}
	defer own.Close()
	for _, p := range queried(int(own.Fd()), namespaceHooks()) {
		p.Where = "-"
		places = append(places, p)
	}
	return places, nil
}

func interfaceHooks() []hook {
	return []hook{
		{ebpf.AttachTCXIngress, "tcx ingress"},
		{ebpf.AttachTCXEgress, "tcx egress"},
		{ebpf.AttachNetkitPrimary, "netkit primary"},
		{ebpf.AttachNetkitPeer, "netkit peer"},
	}
}

func namespaceHooks() []hook {
	return []hook{{ebpf.AttachFlowDissector, "flow_dissector"}, {ebpf.AttachSkLookup, "sk_lookup"}}
}

// queried asks hooks of an interface or of a namespace, by its descriptor. One that
// the kernel or the interface does not have holds nothing.
func queried(target int, hooks []hook) []api.Place {
	var places []api.Place
	for _, h := range hooks {
		res, err := link.QueryPrograms(link.QueryOptions{Target: target, Attach: h.attach})
		if err != nil {
			continue
		}
		for _, p := range res.Programs {
			place := api.Place{Hook: h.name, ProgramID: uint32(p.ID)}
			if id, ok := p.LinkID(); ok {
				place.LinkID = uint32(id)
			}
			places = append(places, place)
		}
	}
	return places
}

// xdp reads IFLA_XDP: the program of each mode (linux/if_link.h).
func xdp(nested []byte) []api.Place {
	modes := []struct {
		attr uint16
		hook string
	}{{5, "xdp native"}, {6, "xdp generic"}, {7, "xdp offload"}}
	var places []api.Place
	for _, m := range modes {
		if id := number(rtnl.Find(nested, m.attr)); id != 0 {
			places = append(places, api.Place{Hook: m.hook, ProgramID: id})
		}
	}
	return places
}

// Parents of a clsact qdisc's filters, and attributes of a bpf filter, from
// linux/pkt_sched.h, linux/rtnetlink.h and linux/pkt_cls.h.
const (
	clsactIngress = 0xfffffff2
	clsactEgress  = 0xfffffff3
	sizeofTcmsg   = 20
	tcaKind       = 1
	tcaOptions    = 2
	tcaBPFID      = 11
)

// filters returns the bpf filters of tc, in the order of their preference.
func filters(index int) []api.Place {
	var places []api.Place
	for _, side := range []struct {
		parent uint32
		name   string
	}{{clsactIngress, "tc ingress"}, {clsactEgress, "tc egress"}} {
		body := make([]byte, sizeofTcmsg)
		binary.NativeEndian.PutUint32(body[4:], uint32(index))
		binary.NativeEndian.PutUint32(body[12:], side.parent)
		list, err := rtnl.Do(rtnl.Message{Type: unix.RTM_GETTFILTER, Flags: unix.NLM_F_DUMP, Body: body})
		if err != nil {
			continue // no clsact there
		}
		slices.SortStableFunc(list, func(a, b rtnl.Message) int { return cmp.Compare(preference(a), preference(b)) })
		for _, m := range list {
			if p, ok := filter(m); ok {
				p.Hook = fmt.Sprintf("%s, preference %d", side.name, preference(m))
				places = append(places, p)
			}
		}
	}
	return places
}

// preference is the upper half of a filter's info.
func preference(m rtnl.Message) uint32 {
	if len(m.Body) < sizeofTcmsg {
		return 0
	}
	return binary.NativeEndian.Uint32(m.Body[16:]) >> 16
}

func filter(m rtnl.Message) (api.Place, bool) {
	if m.Type != unix.RTM_NEWTFILTER || len(m.Body) < sizeofTcmsg {
		return api.Place{}, false
	}
	attrs := m.Body[sizeofTcmsg:]
	if strings.TrimRight(string(rtnl.Find(attrs, tcaKind)), "\x00") != "bpf" {
		return api.Place{}, false
	}
	id := number(rtnl.Find(rtnl.Find(attrs, tcaOptions), tcaBPFID))
	return api.Place{ProgramID: id}, id != 0
}

func number(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}
