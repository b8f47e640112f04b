//go:build unix

package doctor

import "golang.org/x/sys/unix"

// freeSpace returns the bytes that an ordinary user may still write at a path.
func freeSpace(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil //nolint:unconvert // the types differ between systems
}
