package process

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Follow sends what a loader has printed, as far back as it is kept, and what it
// prints, until the context ends, send returns false or the loader ends. Then
// the error is io.EOF, or a *api.ToolError when its exit code was not 0.
func (s *Store) Follow(ctx context.Context, r Record, send func(api.Event) bool) error {
	f := &follower{dir: s.dir(r.Project), record: r, send: send}
	defer f.close()
	if err := f.open(); err != nil {
		return api.E("follow", r.Tool(), api.ErrEnvironment, err)
	}
	stop := context.AfterFunc(ctx, func() { _, _ = unix.Write(f.wake, []byte{7: 1}) })
	defer stop()
	for {
		over := f.over() // asked before the last look
		if !f.read() || ctx.Err() != nil {
			return nil
		}
		if over {
			return f.ending()
		}
		if err := f.wait(); err != nil {
			return api.E("follow", r.Tool(), api.ErrEnvironment, err)
		}
	}
}

// follower reads the log of a loader as it grows.
type follower struct {
	dir    string
	record Record
	send   func(api.Event) bool

	watch int    // inotify, on the folder
	wake  int    // an eventfd; readable once the context has ended
	ends  [2]int // pidfds of loader and keeper; readable once they have ended
	file  *os.File
	last  uint64 // the number of the last line sent
}

func (f *follower) open() error {
	f.watch, f.wake, f.ends = -1, -1, [2]int{-1, -1}
	var err error
	if f.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if f.watch, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		return os.NewSyscallError("inotify_init", err)
	}
	_, err = unix.InotifyAddWatch(f.watch, f.dir, unix.IN_MODIFY|unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_DELETE|unix.IN_DELETE_SELF)
	if err != nil && !errors.Is(err, unix.ENOENT) { // it is gone: nothing is left to wait for
		return os.NewSyscallError("inotify_add_watch", err)
	}
	for i, id := range []ID{f.record.Loader, f.record.Keeper} {
		f.ends[i], err = unix.PidfdOpen(id.PID, 0)
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return os.NewSyscallError("pidfd_open", err)
		}
	}
	return nil
}

func (f *follower) close() {
	for _, fd := range []int{f.watch, f.wake, f.ends[0], f.ends[1]} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	if f.file != nil {
		_ = f.file.Close()
	}
}

// over reports whether the loader prints no more, and all of it is in the log.
func (f *follower) over() bool {
	now, err := readRecord(f.dir)
	return err != nil || now == nil || now.Loader != f.record.Loader || !now.Running()
}

// ending is the error for a loader that has ended. One whose record is gone was
// unloaded.
func (f *follower) ending() error {
	now, err := readRecord(f.dir)
	if err != nil || now == nil || now.Ended == nil || now.Loader != f.record.Loader || now.Ended.ExitCode == 0 {
		return io.EOF
	}
	return toolError(now.Args, now.Ended.ExitCode, tail(f.dir, 0))
}

// read sends the lines that came since; false when nobody wants them.
func (f *follower) read() bool {
	for {
		if f.file == nil && !f.next() {
			return true
		}
		wanted := true
		readLines(f.file, func(l line) bool {
			wanted = f.take(l)
			return wanted
		})
		if !wanted {
			return false
		}
		if f.current() {
			return true
		}
		// The log goes on in a new file. Nothing more comes into this one, but
		// something may have since it was read.
		readLines(f.file, func(l line) bool {
			wanted = f.take(l)
			return wanted
		})
		_ = f.file.Close()
		f.file = nil
		if !wanted {
			return false
		}
	}
}

// next opens the file that holds the line after the last.
func (f *follower) next() bool {
	for _, name := range []string{oldName, outputName} {
		file, err := os.Open(filepath.Join(f.dir, name))
		if err != nil {
			continue
		}
		if name == outputName || f.last == 0 || f.holdsNext(file) {
			f.file = file
			return true
		}
		_ = file.Close()
	}
	return false
}

// holdsNext reports whether a file holds a line after the last.
func (f *follower) holdsNext(file *os.File) bool {
	found := false
	readLines(file, func(l line) bool {
		found = l.Number > f.last
		return !found
	})
	_, err := file.Seek(0, io.SeekStart)
	return found && err == nil
}

// take sends a line, and before it how many were lost.
func (f *follower) take(l line) bool {
	if l.Number <= f.last {
		return true
	}
	lost := l.Number - f.last - 1
	if f.last > 0 && lost > 0 && !f.send(api.Event{Kind: api.EventLost, Lost: lost}) {
		return false
	}
	f.last = l.Number
	return f.send(api.Event{Kind: api.EventOutput, Time: l.Time, Text: l.Text, Stderr: l.Stderr, PID: f.record.Loader.PID})
}

// current reports whether the open file is the one that is written to.
func (f *follower) current() bool {
	mine, err1 := f.file.Stat()
	now, err2 := os.Stat(filepath.Join(f.dir, outputName))
	return err1 == nil && err2 == nil && os.SameFile(mine, now) || errors.Is(err2, os.ErrNotExist)
}

// wait waits until something has changed.
func (f *follower) wait() error {
	fds := []unix.PollFd{{Fd: int32(f.watch)}, {Fd: int32(f.wake)}, {Fd: int32(f.ends[0])}, {Fd: int32(f.ends[1])}}
	for i := range fds {
		fds[i].Events = unix.POLLIN
	}
	if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
		return os.NewSyscallError("poll", err)
	}
	for i, end := range f.ends { // each tells once: it stays readable
		if end >= 0 && fds[2+i].Revents != 0 {
			_ = unix.Close(end)
			f.ends[i] = -1
		}
	}
	var changes [4096]byte
	for {
		if n, err := unix.Read(f.watch, changes[:]); n <= 0 || err != nil {
			return nil
		}
	}
}
