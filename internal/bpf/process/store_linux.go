package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
)

// Store is the folder in which loaders are written down.
type Store struct{ root string }

// New returns the store at a path, which need not be there yet.
func New(root string) *Store { return &Store{root: root} }

func (s *Store) dir(project string) string { return filepath.Join(s.root, project) }

// List returns the records of a project, or of all for "", sorted by project.
// What cannot be read, and what is no record of ours, is left out.
func (s *Store) List(name string) []Record {
	names := []string{name}
	if name == "" {
		names = names[:0]
		entries, _ := os.ReadDir(s.root)
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	var records []Record
	for _, name := range names {
		if r := s.Find(name); r != nil {
			records = append(records, *r)
		}
	}
	return records
}

// Find returns the record of a project, nil when it has none that can be read.
func (s *Store) Find(name string) *Record {
	if project.CheckName(name) != nil {
		return nil
	}
	r, err := readRecord(s.dir(name))
	if err != nil || r == nil || r.Project != name || len(r.Args) == 0 {
		return nil
	}
	return r
}

// Log is where the newest output of a project's loader is.
func (s *Store) Log(project string) string { return filepath.Join(s.dir(project), outputName) }

// Describe tells what is known of a loader, without what it holds.
func (s *Store) Describe(r Record) api.RunningProcess {
	p := api.RunningProcess{
		Project: r.Project, PID: r.Loader.PID, Args: r.Args, Dir: r.Dir, Lifetime: r.Lifetime,
		StartedAt: r.StartedAt, Log: s.Log(r.Project),
	}
	switch {
	case r.Ended != nil:
		p.Ended = &api.ProcessEnd{At: r.Ended.At, ExitCode: r.Ended.ExitCode, Signal: r.Ended.Signal, Output: s.lastWords(r.Project)}
	case !r.Running():
		p.Ended = &api.ProcessEnd{ExitCode: unseen, Output: s.lastWords(r.Project)}
	}
	return p
}

// lastWords returns the last lines of a loader's output.
func (s *Store) lastWords(project string) []api.OutputLine {
	const most = 10
	lines := tail(s.dir(project), 0)
	return outputs(lines[max(0, len(lines)-most):])
}

// LastLine is the last line that a project's loader printed, "" for none.
func (s *Store) LastLine(project string) string {
	lines := s.lastWords(project)
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1].Text
}

// CheckFree fails with ErrConflict when the loader of a project runs.
func (s *Store) CheckFree(name string) error {
	if r := s.Find(name); r != nil && r.Running() {
		return conflict(name, r)
	}
	return nil
}

func conflict(name string, r *Record) error {
	cause := "a process is being started for the project"
	if r != nil {
		cause = fmt.Sprintf("the project is loaded already, by %s (pid %d)", r.Tool(), r.Loader.PID)
	}
	return api.Errorf("load", name, api.ErrConflict, cause).WithHint("ebpfdev load --replace")
}

// reserve makes a project's folder and locks it; what a loader left there that
// runs no more is removed. The lock is that of the open file: it goes on to
// whoever inherits it.
// Errors: ErrConflict, ErrPermission, ErrEnvironment.
func (s *Store) reserve(name string) (*os.File, error) {
	dir := s.dir(name)
	for {
		f, err := s.tryReserve(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // whoever had it removed it just now
		case errors.Is(err, unix.EWOULDBLOCK):
			return nil, conflict(name, s.Find(name))
		case err != nil:
			return nil, err
		}
		for _, left := range []string{recordName, recordName + ".new", outputName, oldName} {
			if err := os.Remove(filepath.Join(dir, left)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				_ = f.Close()
				return nil, folderError("remove", filepath.Join(dir, left), err)
			}
		}
		return f, nil
	}
}

func (s *Store) tryReserve(dir string) (*os.File, error) {
	if err := os.MkdirAll(s.root, 0o700); err != nil {
		return nil, folderError("make folder", s.root, err)
	}
	if err := checkOwn(s.root); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, folderError("make folder", dir, err)
	}
	if err := checkOwn(dir); err != nil {
		return nil, err
	}
	f, err := lockFolder(dir)
	if err != nil && !errors.Is(err, unix.EWOULDBLOCK) {
		return nil, folderError("lock", dir, err)
	}
	return f, err
}

// checkOwn makes sure that a folder is our own and nobody else's to change:
// what is written there decides who is sent signals.
func checkOwn(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return folderError("use", dir, err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return api.Errorf("use", dir, api.ErrEnvironment, "it is not a folder that only its owner, this user, can change")
	}
	return nil
}

// lockFolder locks a folder, unless somebody has. One that its last holder
// removed meanwhile is fs.ErrNotExist.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	locked, err1 := f.Stat()
	now, err2 := os.Stat(dir)
	if err1 != nil || err2 != nil || !os.SameFile(locked, now) {
		_ = f.Close()
		return nil, fs.ErrNotExist
	}
	return f, nil
}

// How long a keeper may take to end, and then to be killed. It asks its loader
// twice before it kills it.
const (
	endWithin  = interruptGrace + terminateGrace + drainGrace + 5*time.Second
	killWithin = 5 * time.Second
)

// End ends the loader of a project and removes what tells of it: the words for
// what was removed, and what the loader printed when it was asked to end. A
// project without a loader gives nothing.
// Errors: ErrFailed (it could not be killed), ErrPermission, ErrEnvironment.
func (s *Store) End(ctx context.Context, name string) (removed []string, said []api.OutputLine, _ error) {
	r := s.Find(name)
	if r == nil {
		return nil, nil, nil
	}
	before := uint64(0)
	if lines := tail(s.dir(name), 0); len(lines) > 0 {
		before = lines[len(lines)-1].Number
	}
	ran := r.Running()
	if err := r.end(); err != nil {
		return nil, nil, err
	}
	words := fmt.Sprintf("process %s (pid %d)", r.Tool(), r.Loader.PID)
	if ran {
		said = outputs(tail(s.dir(name), before))
	} else {
		words += ", which " + endWords(*r)
	}
	return []string{words}, said, s.remove(ctx, name)
}

func endWords(r Record) string {
	switch {
	case r.Ended == nil:
		return "had ended"
	case r.Ended.Signal != 0:
		return fmt.Sprintf("had been killed by signal %d", r.Ended.Signal)
	default:
		return fmt.Sprintf("had ended with exit code %d", r.Ended.ExitCode)
	}
}

// remove removes a project's folder once nobody holds it.
func (s *Store) remove(ctx context.Context, name string) error {
	dir := s.dir(name)
	for {
		f, err := lockFolder(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err == nil:
			err = os.RemoveAll(dir)
			_ = f.Close()
			_ = os.Remove(s.root) // stays while something is in it
			if err != nil {
				return folderError("remove", dir, err)
			}
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK):
			return folderError("lock", dir, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(killRetry):
		}
	}
}

// end ends the keeper of a record and so its loader, and waits until both are
// gone. Nobody else is sent a signal: who has the number is known by his start.
func (r *Record) end() error {
	if r.Boot != bootID() {
		return nil
	}
	for _, step := range []struct {
		id     ID
		signal unix.Signal
		within time.Duration
	}{
		{r.Keeper, unix.SIGTERM, endWithin},
		{r.Keeper, unix.SIGKILL, killWithin},
		{r.Loader, unix.SIGKILL, killWithin}, // its keeper was killed
	} {
		if err := step.id.signal(step.signal, step.within); err != nil {
			return err
		}
	}
	if r.Keeper.alive() || r.Loader.alive() {
		return api.Errorf("end", r.Tool(), api.ErrFailed, fmt.Sprintf("process %d cannot be killed", r.Loader.PID))
	}
	return nil
}

// signal sends a signal to a process that still runs and waits for its end.
func (id ID) signal(sig unix.Signal, within time.Duration) error {
	fd, err := unix.PidfdOpen(id.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return api.E("end process", fmt.Sprint(id.PID), api.ErrEnvironment, os.NewSyscallError("pidfd_open", err))
	}
	defer unix.Close(fd)
	if !id.alive() { // asked after it was opened: the file is of this one
		return nil
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		kind := api.ErrFailed
		if errors.Is(err, unix.EPERM) {
			kind = api.ErrPermission
		}
		return api.E("end process", fmt.Sprint(id.PID), kind, os.NewSyscallError("pidfd_send_signal", err))
	}
	until := time.Now().Add(within)
	for left := within; left > 0; left = time.Until(until) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds()))
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return nil
		}
	}
	return nil
}

func folderError(op, path string, err error) error {
	kind := api.ErrEnvironment
	if errors.Is(err, fs.ErrPermission) {
		kind = api.ErrPermission
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return api.E(op, path, kind, err)
}
