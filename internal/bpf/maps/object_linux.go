package maps

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Storage belongs to a kernel object, and its key is a file descriptor of that:
// of a process, a socket, a cgroup or a file. None can be asked which objects have
// some, so that those that can be found are tried one by one.

// pidfdThread is PIDFD_THREAD (Linux 6.9): a pidfd of one thread.
const pidfdThread = unix.O_EXCL

// objects visits the storage of all objects that can be found.
func (w *walk) objects(ctx context.Context) error {
	w.names = map[string]string{}
	switch w.typ {
	case ebpf.TaskStorage:
		return w.tasks(ctx)
	case ebpf.CgroupStorage:
		return w.cgroups(ctx)
	case ebpf.SkStorage:
		return w.sockets(ctx)
	default:
		return api.Errorf(w.op, w.info.Name, api.ErrNotSupported,
			"the kernel does not tell which files have an entry; ask for one by its path").
			WithHint("ebpfdev map get " + w.info.Name + " /path/of/a/file")
	}
}

// try visits the storage of one object, when it has some. Name may be empty.
func (w *walk) try(ctx context.Context, fd int, key []byte, name string) error {
	value := make([]byte, w.full())
	at := binary.LittleEndian.AppendUint32(nil, uint32(fd))
	switch err := lookup(w.fd, at, value); {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESRCH), errors.Is(err, unix.EBADF), errors.Is(err, unix.EINVAL):
		return nil
	case err != nil:
		return w.fail(err)
	}
	if name != "" {
		w.names[string(key)] = name
	}
	return w.see(ctx, key, value)
}

// tasks tries each process and, from Linux 6.9, each thread.
func (w *walk) tasks(ctx context.Context) error {
	return eachProcess(ctx, func(pid int) error {
		for _, tid := range numbers(fmt.Sprintf("/proc/%d/task", pid)) {
			flags := 0
			if tid != pid {
				flags = pidfdThread
			}
			fd, err := unix.PidfdOpen(tid, flags)
			if err != nil {
				continue // it ended, or this kernel knows no threads
			}
			err = w.try(ctx, fd, binary.LittleEndian.AppendUint32(nil, uint32(tid)), "")
			_ = unix.Close(fd)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// sockets tries each socket that a process holds, once.
func (w *walk) sockets(ctx context.Context) error {
	tried := map[string]bool{}
	return eachProcess(ctx, func(pid int) error {
		dir := fmt.Sprintf("/proc/%d/fd", pid)
		pidfd := -1
		defer func() {
			if pidfd >= 0 {
				_ = unix.Close(pidfd)
			}
		}()
		for _, n := range numbers(dir) {
			link, _ := os.Readlink(filepath.Join(dir, strconv.Itoa(n)))
			digits, ok := strings.CutPrefix(link, "socket:[")
			if !ok || tried[link] {
				continue
			}
			tried[link] = true
			if pidfd < 0 {
				var err error
				if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
					return nil
				}
			}
			fd, err := unix.PidfdGetfd(pidfd, n, 0)
			if err != nil {
				continue
			}
			inode, _ := strconv.ParseUint(strings.TrimSuffix(digits, "]"), 10, 64)
			name := fmt.Sprintf("%s of process %d", link, pid)
			err = w.try(ctx, fd, binary.LittleEndian.AppendUint64(nil, inode), name)
			_ = unix.Close(fd)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// cgroups tries each cgroup of version 2.
func (w *walk) cgroups(ctx context.Context) error {
	root, err := cgroupRoot()
	if err != nil {
		return api.E(w.op, w.info.Name, api.ErrEnvironment, err)
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || !d.IsDir() {
			return nil // it went away
		}
		return w.path(ctx, path, "/"+strings.TrimPrefix(strings.TrimPrefix(path, root), "/"))
	})
}

// path tries the object that a path names.
func (w *walk) path(ctx context.Context, path, name string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return nil
	}
	return w.try(ctx, fd, binary.LittleEndian.AppendUint64(nil, st.Ino), name)
}

// cgroupRoot returns where cgroups of version 2 are mounted.
func cgroupRoot() (string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		before, after, _ := strings.Cut(s.Text(), " - ")
		if fields := strings.Fields(before); strings.HasPrefix(after, "cgroup2 ") && len(fields) > 4 {
			return fields[4], nil
		}
	}
	return "", errors.New("no file system of cgroups (version 2) is mounted")
}

// eachProcess calls fn for each process until it fails.
func eachProcess(ctx context.Context, fn func(pid int) error) error {
	for _, pid := range numbers("/proc") {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(pid); err != nil {
			return err
		}
	}
	return nil
}

// numbers returns the names in a folder that are numbers.
func numbers(dir string) []int {
	var all []int
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			all = append(all, n)
		}
	}
	return all
}
