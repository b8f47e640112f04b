package pin

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// retry is how often a lock that somebody holds is tried again.
const retry = 20 * time.Millisecond

// Lock keeps other processes from making or removing pins of ours until unlock
// is called. It is the lock of the folder that all projects are in, and ends
// with its holder.
// Errors: ErrEnvironment (no BPF file system), ErrPermission.
func (s *Store) Lock(ctx context.Context) (unlock func(), _ error) {
	if err := s.CheckFS(); err != nil {
		return nil, err
	}
	for {
		dir, err := s.tryLock()
		if err == nil {
			return func() {
				_ = os.Remove(s.root) // stays while something is in it
				_ = dir.Close()
			}, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, os.ErrNotExist) {
			return nil, fsError("lock", s.root, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retry):
		}
	}
}

// tryLock locks the folder. One that its last holder removed meanwhile does
// not count: who comes next would lock another.
func (s *Store) tryLock() (*os.File, error) {
	if err := os.MkdirAll(s.root, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.Open(s.root)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = dir.Close()
		return nil, err
	}
	locked, err1 := dir.Stat()
	now, err2 := os.Stat(s.root)
	if err1 != nil || err2 != nil || !os.SameFile(locked, now) {
		_ = dir.Close()
		return nil, unix.EWOULDBLOCK
	}
	return dir, nil
}

// conflict says that a project has pins already.
func conflict(project string) error {
	return api.Errorf("load", project, api.ErrConflict, "the project is loaded and pinned already").
		WithHint("ebpfdev load --replace")
}
