package doctor

import (
	"context"
	"io/fs"
	"os"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// prepareCgroups mounts the kernel's control groups where no init system has:
// the engine starts no container without them.
func prepareCgroups(ctx context.Context, s *step) error {
	root := os.DirFS("/")
	mounts, err := fs.ReadFile(root, "proc/self/mounts")
	if err != nil {
		return api.E("read", "/proc/self/mounts", api.ErrEnvironment, err)
	}
	own, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return api.E("read", "/proc/self/cgroup", api.ErrEnvironment, err)
	}
	for _, c := range cgroupMounts(string(mounts), string(own)) {
		// One that cannot be had may be one that is not needed: the engine says.
		if err := c.try(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// cgroupMounts returns what has to be mounted, from /proc/self/mounts and
// /proc/self/cgroup. The second has one line per hierarchy, "4:cpu,cpuacct:/":
// controllers that an older hierarchy holds can be had only through it, and
// when there is none everything is in the unified one ("0::/").
func cgroupMounts(mounts, own string) []command {
	const base = "/sys/fs/cgroup"
	sysfs := false
	for line := range strings.Lines(mounts) {
		words := strings.Fields(line)
		if len(words) < 3 {
			continue
		}
		if words[2] == "cgroup" || (words[2] == "cgroup2" && words[1] == base) {
			return nil
		}
		sysfs = sysfs || words[1] == "/sys"
	}
	var out []command
	if !sysfs {
		out = append(out, cmd("mount", "-t", "sysfs", "sysfs", "/sys"))
	}
	older := olderHierarchies(own)
	if len(older) == 0 {
		return append(out, cmd("mount", "-t", "cgroup2", "cgroup2", base))
	}
	out = append(out, cmd("mount", "-t", "tmpfs", "-o", "mode=755", "cgroup", base))
	for _, h := range older {
		out = append(out, cmd("mkdir", "-p", base+"/"+h.dir), cmd("mount", "-t", "cgroup", "-o", h.options, "cgroup", base+"/"+h.dir))
	}
	return out
}

// hierarchy is an older control group hierarchy.
type hierarchy struct{ dir, options string }

// olderHierarchies reads /proc/self/cgroup. A named one has no controllers and
// is mounted by its name.
func olderHierarchies(own string) []hierarchy {
	var out []hierarchy
	for line := range strings.Lines(own) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || parts[1] == "" {
			continue
		}
		if name, ok := strings.CutPrefix(parts[1], "name="); ok {
			out = append(out, hierarchy{name, "none,name=" + name})
			continue
		}
		out = append(out, hierarchy{parts[1], parts[1]})
	}
	return out
}
