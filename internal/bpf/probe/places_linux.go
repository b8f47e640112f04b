package probe

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// mounts looks for the file systems that BPF work needs, where they usually are
// and where our containers have them.
func (p *prober) mounts() {
	p.k.BPFFS = mount(unix.BPF_FS_MAGIC, "/sys/fs/bpf")
	p.k.TraceFS = mount(unix.TRACEFS_MAGIC, "/sys/kernel/tracing", "/sys/kernel/debug/tracing")
	p.k.Cgroup2 = mount(unix.CGROUP2_SUPER_MAGIC, "/host/cgroup2", "/sys/fs/cgroup", "/sys/fs/cgroup/unified")
	if !p.k.Cgroup2.Mounted {
		// Where it should be, not where our containers have it.
		p.k.Cgroup2 = mount(unix.CGROUP2_SUPER_MAGIC, "/sys/fs/cgroup")
	}
}

// mount returns the first of some paths that is a file system of a kind, or the
// first path and what is there instead.
func mount(magic int64, paths ...string) api.Mount {
	m := api.Mount{Path: paths[0]}
	for i, path := range paths {
		var st unix.Statfs_t
		err := unix.Statfs(path, &st)
		switch {
		case err == nil && uint32(st.Type) == uint32(magic):
			return api.Mount{Path: path, Mounted: true}
		case i > 0:
		case err != nil:
			m.Problem = (&os.PathError{Op: "statfs", Path: path, Err: err}).Error()
		default:
			m.Problem = "not mounted: " + path + " is " + fileSystem(uint32(st.Type))
		}
	}
	return m
}

// fileSystem names what statfs gives.
func fileSystem(magic uint32) string {
	switch magic {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.SYSFS_MAGIC:
		return "sysfs"
	case unix.CGROUP_SUPER_MAGIC:
		return "cgroup v1"
	case unix.CGROUP2_SUPER_MAGIC:
		return "cgroup2"
	case unix.DEBUGFS_MAGIC:
		return "debugfs"
	default:
		return "file system 0x" + strconv.FormatUint(uint64(magic), 16)
	}
}

// headers returns where the running kernel's headers are, or nothing.
func headers(release string) string {
	for _, dir := range []string{
		"/lib/modules/" + release + "/build",
		"/usr/src/linux-headers-" + release,
		"/host/usr/src/linux-headers-" + release,
		"/host/usr/lib/modules/" + release + "/build",
	} {
		// A link whose target is missing is common, and an empty folder too.
		if _, err := os.Stat(filepath.Join(dir, "Makefile")); err == nil {
			return dir
		}
	}
	for _, file := range []string{"/sys/kernel/kheaders.tar.xz", "/host/kernel/kheaders.tar.xz"} {
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// inContainer looks for what container engines leave in their containers. A file
// of theirs on the whole of a disk proves nothing: machines are made of images.
func inContainer() bool {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	root := rootMount(string(data))
	if root.whole && strings.HasPrefix(root.source, "/dev/") {
		return false
	}
	for _, file := range []string{"/.dockerenv", "/run/.containerenv", "/run/systemd/container"} {
		if _, err := os.Stat(file); err == nil {
			return true
		}
	}
	return root.kind == "overlay" && (strings.Contains(root.options, "/docker/") || strings.Contains(root.options, "containerd") ||
		strings.Contains(root.options, "/containers/"))
}

// root is what is mounted at /.
type root struct {
	kind, source, options string
	whole                 bool // not a folder of the file system
}

// rootMount finds it in mountinfo; see proc(5) for the fields. The last mount
// lies on top.
func rootMount(mountinfo string) root {
	var r root
	for line := range strings.Lines(mountinfo) {
		place, system, ok := strings.Cut(line, " - ")
		at, what := strings.Fields(place), strings.Fields(system)
		if ok && len(at) > 4 && at[4] == "/" && len(what) > 2 {
			r = root{kind: what[0], source: what[1], options: what[2], whole: at[3] == "/"}
		}
	}
	return r
}

// kernelConfig reads what the kernel was built with, nil where it does not say.
func kernelConfig() map[string]string {
	f, err := os.Open("/proc/config.gz")
	if err != nil {
		return nil
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil
	}
	return parseConfig(zip)
}

func parseConfig(r io.Reader) map[string]string {
	config := map[string]string{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && strings.HasPrefix(name, "CONFIG_") {
			config[name] = strings.Trim(value, `"`)
		}
	}
	return config
}
