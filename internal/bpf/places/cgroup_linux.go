package places

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

const op = "list places"

// effective asks for what counts in a cgroup, inherited programs too; flags that a
// query returns say how programs are attached. From linux/bpf.h.
const (
	effective     = 1 << 0 // BPF_F_QUERY_EFFECTIVE
	mountsFile    = "/proc/self/mounts"
	cgroup2       = "cgroup2"
	hostHierarchy = "/host/cgroup2" // where our dev containers have the machine's
)

// hook is a place in every cgroup.
type hook struct {
	attach ebpf.AttachType
	name   string
}

// hooks are the attach types of cgroups, by the kernel's names (linux/bpf.h). One
// that a kernel does not know has no programs.
func hooks() []hook {
	return []hook{
		{ebpf.AttachCGroupInetIngress, "cgroup_inet_ingress"},
		{ebpf.AttachCGroupInetEgress, "cgroup_inet_egress"},
		{ebpf.AttachCGroupInetSockCreate, "cgroup_inet_sock_create"},
		{ebpf.AttachCgroupInetSockRelease, "cgroup_inet_sock_release"},
		{ebpf.AttachCGroupSockOps, "cgroup_sock_ops"},
		{ebpf.AttachCGroupDevice, "cgroup_device"},
		{ebpf.AttachCGroupInet4Bind, "cgroup_inet4_bind"},
		{ebpf.AttachCGroupInet6Bind, "cgroup_inet6_bind"},
		{ebpf.AttachCGroupInet4PostBind, "cgroup_inet4_post_bind"},
		{ebpf.AttachCGroupInet6PostBind, "cgroup_inet6_post_bind"},
		{ebpf.AttachCGroupInet4Connect, "cgroup_inet4_connect"},
		{ebpf.AttachCGroupInet6Connect, "cgroup_inet6_connect"},
		{ebpf.AttachCgroupUnixConnect, "cgroup_unix_connect"},
		{ebpf.AttachCgroupInet4GetPeername, "cgroup_inet4_getpeername"},
		{ebpf.AttachCgroupInet6GetPeername, "cgroup_inet6_getpeername"},
		{ebpf.AttachCgroupUnixGetpeername, "cgroup_unix_getpeername"},
		{ebpf.AttachCgroupInet4GetSockname, "cgroup_inet4_getsockname"},
		{ebpf.AttachCgroupInet6GetSockname, "cgroup_inet6_getsockname"},
		{ebpf.AttachCgroupUnixGetsockname, "cgroup_unix_getsockname"},
		{ebpf.AttachCGroupUDP4Sendmsg, "cgroup_udp4_sendmsg"},
		{ebpf.AttachCGroupUDP6Sendmsg, "cgroup_udp6_sendmsg"},
		{ebpf.AttachCgroupUnixSendmsg, "cgroup_unix_sendmsg"},
		{ebpf.AttachCGroupUDP4Recvmsg, "cgroup_udp4_recvmsg"},
		{ebpf.AttachCGroupUDP6Recvmsg, "cgroup_udp6_recvmsg"},
		{ebpf.AttachCgroupUnixRecvmsg, "cgroup_unix_recvmsg"},
		{ebpf.AttachCGroupSysctl, "cgroup_sysctl"},
		{ebpf.AttachCGroupGetsockopt, "cgroup_getsockopt"},
		{ebpf.AttachCGroupSetsockopt, "cgroup_setsockopt"},
		{ebpf.AttachLSMCgroup, "lsm_cgroup"},
	}
}

// Cgroups walks a hierarchy of cgroups (version 2) from a folder, or the machine's
// from its top, and returns what is attached to each, in the order in which it runs.
// One that vanishes meanwhile is left out. With inherited, what counts in a cgroup
// is listed there, wherever it was attached.
// Errors: ErrNotSupported (no hierarchy is mounted), ErrNotExist (no such folder),
// ErrUsage (it is no cgroup), ErrPermission.
func Cgroups(ctx context.Context, root string, inherited bool) ([]api.Place, error) {
	root, err := hierarchy(root)
	if err != nil {
		return nil, err
	}
	places := []api.Place{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		found, err := cgroup(path, inherited)
		places = append(places, found...)
		return err
	})
	if errors.Is(err, os.ErrPermission) {
		return nil, api.E(op, root, api.ErrPermission, err).WithHint("ebpfdev doctor")
	}
	if err != nil && ctx.Err() == nil {
		return nil, api.E(op, root, "", err)
	}
	return places, err
}

// hierarchy returns the folder where a walk begins.
func hierarchy(root string) (string, error) {
	if root == "" {
		var err error
		if root, err = mounted(); err != nil {
			return "", err
		}
	}
	var info unix.Statfs_t
	err := unix.Statfs(root, &info)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", api.Errorf(op, root, api.ErrNotExist, "there is no such folder")
	case err != nil:
		return "", api.E(op, root, "", err)
	case info.Type != unix.CGROUP2_SUPER_MAGIC:
		return "", api.Errorf(op, root, api.ErrUsage, "it is no cgroup of version 2").WithHint("ebpfdev cgroup list")
	}
	return root, nil
}

// mounted finds the hierarchy of version 2: the machine's own in a dev container.
func mounted() (string, error) {
	mounts, err := os.ReadFile(mountsFile)
	if err != nil {
		return "", api.E(op, mountsFile, "", err)
	}
	found := ""
	for line := range strings.Lines(string(mounts)) {
		words := strings.Fields(line)
		if len(words) > 2 && words[2] == cgroup2 && (found == "" || words[1] == hostHierarchy) {
			found = words[1]
		}
	}
	if found == "" {
		return "", api.Errorf(op, "cgroups", api.ErrNotSupported, "no hierarchy of version 2 is mounted").
			WithHint("sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup")
	}
	return found, nil
}

// cgroup returns what is attached to one cgroup.
func cgroup(path string, inherited bool) ([]api.Place, error) {
	dir, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var flags uint32
	if inherited {
		flags = effective
	}
	var places []api.Place
	for _, h := range hooks() {
		res, err := link.QueryPrograms(link.QueryOptions{Target: int(dir.Fd()), Attach: h.attach, QueryFlags: flags})
		if errors.Is(err, os.ErrPermission) {
			return nil, err
		}
		if err != nil {
			continue // a kernel without this hook, or a cgroup that has just gone
		}
		for _, p := range res.Programs {
			place := api.Place{Where: path, Hook: h.name, ProgramID: uint32(p.ID)}
			if id, ok := p.LinkID(); ok {
				place.LinkID = uint32(id)
			}
			places = append(places, place)
		}
	}
	return places, nil
}
