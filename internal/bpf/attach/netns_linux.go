package attach

import (
	"os"
	"strings"

	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// netns attaches to a network namespace: "self", a name that "ip netns" knows, or
// a path such as /proc/PID/ns/net.
func netns(j *job) (link.Link, error) {
	path := j.target
	switch {
	case path == "":
		return nil, needs(j, "a network namespace", "self")
	case path == "self":
		// A namespace belongs to a thread; this one stays on its own.
		path = "/proc/thread-self/ns/net"
	case !strings.Contains(path, "/"):
		path = "/run/netns/" + path
	}
	ns, err := os.Open(path)
	if err != nil {
		return nil, j.missing(api.ErrNotExist, "no network namespace "+j.target+": "+err.Error(), "ip netns list")
	}
	defer ns.Close()
	info, err := ns.Stat()
	if err != nil {
		return nil, err
	}
	at := func(i *link.Info) bool { return i.NetNs() != nil && uint64(i.NetNs().NetnsInode) == inode(info) }
	if l := j.inPlace(link.NetNsType, at); l != nil {
		return l, nil
	}
	l, err := link.AttachNetNs(int(ns.Fd()), j.prog)
	if err != nil {
		return nil, err // not the typed nil pointer
	}
	return l, nil
}
