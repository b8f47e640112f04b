package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// Sizes in bytes.
const (
	mib = 1 << 20
	gib = 1 << 30
)

// checkDisk looks at the space where the engine keeps its data and where the
// project is.
func (x *examination) checkDisk(context.Context) []api.Check {
	var checks []api.Check
	if x.engine != nil && !x.info.Desktop && strings.HasPrefix(x.info.Host, "unix://") && x.info.RootDir != "" {
		checks = append(checks, spaceCheck("disk-engine", "Disk of the engine", x.info.RootDir,
			"images and containers are kept there", "docker system df", gib, 5*gib))
	}
	if x.folder != "" {
		checks = append(checks, spaceCheck("disk-project", "Disk of the project", x.folder,
			"objects and build caches are written there", "df -h "+shell.Quote(x.folder), 16*mib, 512*mib))
	}
	return checks
}

// spaceCheck fails below one amount of free space and warns below another.
func spaceCheck(id, title, path, why, fix string, least, comfortable uint64) api.Check {
	free, err := freeSpace(path)
	for errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		// What is not there yet, or closed to us, is on the disk of its parent.
		parent := filepath.Dir(path)
		if parent == path {
			break
		}
		path = parent
		free, err = freeSpace(path)
	}
	if err != nil {
		return fail(id, title, path+": "+err.Error(), why, fix)
	}
	found := fmt.Sprintf("%s free at %s", size(free), path)
	switch {
	case free < least:
		return fail(id, title, found, why, fix)
	case free < comfortable:
		return warn(id, title, found, why, fix)
	default:
		return ok(id, title, found, why)
	}
}

// size writes bytes as people read them.
func size(n uint64) string {
	switch {
	case n >= gib:
		return fmt.Sprintf("%.1f GiB", float64(n)/gib)
	case n >= mib:
		return fmt.Sprintf("%.1f MiB", float64(n)/mib)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}
