package tracefs

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Dir is where the file system is mounted by convention since Linux 4.1.
const Dir = "/sys/kernel/tracing"

// Find returns where tracefs is mounted: at its usual place, below debugfs, or
// wherever this process sees it. It mounts nothing.
// Errors: ErrEnvironment, with the command that mounts it.
func Find() (string, error) {
	for _, dir := range []string{Dir, "/sys/kernel/debug/tracing"} {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && uint32(st.Type) == unix.TRACEFS_MAGIC {
			return dir, nil
		}
	}
	if dir := fromMountinfo(); dir != "" {
		return dir, nil
	}
	return "", api.Errorf("use", Dir, api.ErrEnvironment, "tracefs is not mounted").
		WithHint("mount -t tracefs tracefs " + Dir)
}

// fromMountinfo looks for a mount of the whole of a tracefs. See proc(5) for
// the fields.
func fromMountinfo() string {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		mount, source, ok := strings.Cut(line, " - ")
		fields := strings.Fields(mount)
		if ok && strings.HasPrefix(source, "tracefs ") && len(fields) > 4 && fields[3] == "/" {
			return fields[4]
		}
	}
	return ""
}
