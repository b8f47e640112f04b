package attach

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// cgroup attaches to a folder of cgroup version 2.
func cgroup(j *job) (link.Link, error) {
	if j.target == "" || !strings.HasPrefix(j.target, "/") {
		return nil, needs(j, "the folder of a cgroup (version 2)", "/sys/fs/cgroup")
	}
	info, err := os.Stat(j.target)
	if err != nil {
		return nil, api.E("attach", j.name, api.ErrNotExist, err)
	}
	if j.spec.Type == ebpf.LSM {
		if err := lsmActive(j); err != nil {
			return nil, err
		}
	}
	hook := j.spec.AttachType
	if j.spec.Type == ebpf.CGroupSKB && hook == ebpf.AttachNone || j.spec.Type == ebpf.CGroupSKB && j.mode != "" {
		switch j.mode {
		case "ingress":
			hook = ebpf.AttachCGroupInetIngress
		case "egress":
			hook = ebpf.AttachCGroupInetEgress
		default:
			return nil, j.usage(fmt.Sprintf("section %s needs a direction, and %q is none", j.spec.SectionName, j.mode), j.target+",ingress")
		}
	}
	at := func(i *link.Info) bool {
		return i.Cgroup() != nil && i.Cgroup().CgroupId == inode(info) && uint32(i.Cgroup().AttachType) == uint32(hook)
	}
	if l := j.inPlace(link.CgroupType, at); l != nil {
		return l, nil
	}
	return link.AttachCgroup(link.CgroupOptions{Path: j.target, Attach: hook, Program: j.prog})
}

// inode returns the number of a file, which is the id of a cgroup.
func inode(info os.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
