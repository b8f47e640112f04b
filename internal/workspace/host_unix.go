//go:build unix

package workspace

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// tryLock locks a file for this process, or returns nil when it is locked.
func tryLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			return nil, nil
		}
		return nil, err
	}
	// Down removes the file while it holds the lock: whoever had opened it
	// before would lock a file that nobody else finds.
	mine, err := file.Stat()
	if err == nil {
		var there os.FileInfo
		if there, err = os.Stat(path); err == nil && os.SameFile(mine, there) {
			return file, nil
		}
	}
	_ = file.Close()
	return nil, nil
}

// checkPrivate refuses a folder that another user could have prepared.
func checkPrivate(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("not a folder that only this user can use")
	}
	return nil
}

// owner returns the user and group that files of the workspace should belong to:
// ours, or the folder's when we are root.
func owner(folder string) (uid, gid int, err error) {
	uid, gid = os.Getuid(), os.Getgid()
	if uid != 0 {
		return uid, gid, nil
	}
	info, err := os.Stat(folder)
	if err != nil {
		return 0, 0, err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		uid, gid = int(stat.Uid), int(stat.Gid)
	}
	return uid, gid, nil
}
