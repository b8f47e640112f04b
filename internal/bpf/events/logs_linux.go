package events

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/tracefs"
)

// instancePrefix begins the names of our trace instances: prefix, pid, random.
// The pid is for people; it may be that of another namespace.
const instancePrefix = "ebpfdev-"

// printEvent is the trace event behind bpf_printk (Linux 5.9).
const printEvent = "events/bpf_trace/bpf_trace_printk/enable"

// logReader reads what programs print through a trace instance of its own, so
// that whoever reads the machine's trace_pipe misses nothing.
type logReader struct {
	dir  string
	pipe int
	wake int // an eventfd; readable once run has to end
}

// openLogs makes an instance below tracefs, turns bpf_printk's event on in it
// and opens its pipe. Instances of processes that were killed are removed.
func openLogs(tracefs string) (reader, error) {
	instances := filepath.Join(tracefs, "instances")
	removeStale(instances)
	for tries := openTries; ; tries-- {
		r := &logReader{pipe: -1, wake: -1}
		dir := filepath.Join(instances, fmt.Sprintf("%s%d-%s", instancePrefix, os.Getpid(), strings.ToLower(rand.Text()[:8])))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, logError(err)
		}
		r.dir = dir
		err := r.open()
		if err == nil {
			return r, nil
		}
		r.close()
		if tries <= 1 || r.pipe >= 0 || !errors.Is(err, os.ErrNotExist) {
			return nil, logError(err)
		}
	}
}

// openTries is how often an instance is made: until its pipe is open, another
// process may take it for a stale one.
const openTries = 5

func (r *logReader) open() error {
	var err error
	if r.pipe, err = unix.Open(filepath.Join(r.dir, "trace_pipe"), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
		return &os.PathError{Op: "open", Path: filepath.Join(r.dir, "trace_pipe"), Err: err}
	}
	if r.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	// Else poll waits until the buffer is half full. Kernels before 5.0 have no
	// such setting and wake at once.
	if err := set(r.dir, "buffer_percent", "0"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return set(r.dir, printEvent, "1")
}

// set writes to a file of tracefs.
func set(dir, name, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

func logError(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission), errors.Is(err, unix.EROFS):
		return api.E(op, "logs", api.ErrPermission, err)
	case errors.Is(err, os.ErrNotExist):
		return api.Errorf(op, "logs", api.ErrNotSupported,
			"this kernel has no trace instances or no event for bpf_printk (Linux 5.9): "+err.Error())
	default:
		return api.E(op, "logs", api.ErrEnvironment, err)
	}
}

func (r *logReader) run(send func(api.Event) bool) error {
	var l lines
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(r.pipe, buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			if stop, err := r.wait(); stop || err != nil {
				return err
			}
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return api.E(op, "logs", "", os.NewSyscallError("read", err))
		case n == 0:
			if stop, err := r.wait(); stop || err != nil {
				return err
			}
		}
		for _, e := range l.add(string(buf[:max(n, 0)])) {
			if !send(e) {
				return nil
			}
		}
	}
}

// wait returns when there may be something to read, or true when run has to end.
func (r *logReader) wait() (stop bool, _ error) {
	fds := []unix.PollFd{{Fd: int32(r.pipe), Events: unix.POLLIN}, {Fd: int32(r.wake), Events: unix.POLLIN}}
	// The time limit is for a wake-up that an old kernel leaves out.
	const limit = 500 // milliseconds
	if _, err := unix.Poll(fds, limit); err != nil && !errors.Is(err, unix.EINTR) {
		return true, api.E(op, "logs", "", os.NewSyscallError("poll", err))
	}
	return fds[1].Revents != 0, nil
}

func (r *logReader) stop() {
	if r.wake >= 0 {
		_, _ = unix.Write(r.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// close removes the instance; it can go once its pipe is closed.
func (r *logReader) close() {
	for _, fd := range []int{r.pipe, r.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	removeInstance(r.dir)
}

func removeInstance(dir string) {
	_ = set(dir, printEvent, "0")
	_ = unix.Rmdir(dir)
}

// RemoveStale removes the trace instances that killed processes of ours left.
// Errors: ErrEnvironment (no tracefs is mounted).
func RemoveStale() error {
	dir, err := tracefs.Find()
	if err == nil {
		removeStale(filepath.Join(dir, "instances"))
	}
	return err
}

// removeStale tries to remove all instances of ours: one whose pipe is open, in
// whatever pid namespace, the kernel refuses to remove.
func removeStale(instances string) {
	entries, err := os.ReadDir(instances)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), instancePrefix) {
			_ = unix.Rmdir(filepath.Join(instances, e.Name()))
		}
	}
}
