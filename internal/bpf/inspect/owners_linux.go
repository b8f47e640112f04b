package inspect

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// findOwners walks /proc once and returns who holds which object open, of those
// whose files are called link and tell their id behind key. What it may not read
// it leaves out: without privilege, or in a pid namespace of its own, a process
// sees few others.
func findOwners(link, key string) map[uint32][]api.Owner {
	owners := map[uint32][]api.Owner{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return owners
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		ids := heldOf(filepath.Join("/proc", e.Name()), link, key)
		if len(ids) == 0 {
			continue
		}
		comm, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "comm"))
		groups, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cgroup"))
		owner := api.Owner{PID: pid, Comm: strings.TrimSuffix(string(comm), "\n"), Container: containerOf(string(groups))}
		for _, id := range ids {
			owners[id] = append(owners[id], owner)
		}
	}
	return owners
}

// containerID is how Docker, containerd, CRI-O and Podman name containers, which
// they put into the names of their cgroups.
var containerID = regexp.MustCompile(`(?:^|[^0-9a-f])([0-9a-f]{64})(?:[^0-9a-f]|$)`)

// containerOf returns the id of the container that a process is in by its
// /proc/PID/cgroup, the innermost of several; "" for one on the machine itself.
func containerOf(groups string) string {
	found := containerID.FindAllStringSubmatch(groups, -1)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1][1]
}

// heldOf returns the ids of the objects that a process has open.
func heldOf(proc, link, key string) []uint32 {
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		return nil
	}
	var ids []uint32
	for _, fd := range fds {
		target, err := os.Readlink(filepath.Join(proc, "fd", fd.Name()))
		if err != nil || target != link {
			continue
		}
		if id := fdID(filepath.Join(proc, "fdinfo", fd.Name()), key); id != 0 && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// fdID reads a line such as "prog_id: N" (Linux 4.15) of a file's fdinfo; 0 when
// there is none.
func fdID(fdinfo, key string) uint32 {
	data, err := os.ReadFile(fdinfo)
	if err != nil {
		return 0
	}
	sc := bufio.NewScanner(bytes.NewReader(data))
	for sc.Scan() {
		if text, ok := strings.CutPrefix(sc.Text(), key); ok {
			id, _ := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
			return uint32(id)
		}
	}
	return 0
}
