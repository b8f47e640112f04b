package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
)

// Loader is a loader that this process has started. Unless Keep is called, it
// ends with Close, or with this process.
type Loader struct {
	Record Record

	store   *Store
	input   io.WriteCloser
	replies io.Closer
	ended   chan struct{} // closed when the loader has ended by itself
	gone    chan struct{} // closed when the keeper has ended
	kill    func() error

	mu  sync.Mutex
	end *End
}

// Start starts a process for a project, and a keeper for it: keep is the argv
// that calls Keep. The environment env is added to this process's own.
// Errors: ErrUsage, ErrConflict (one runs for the project), ErrEnvironment
// (there is no such program), ErrPermission.
func (s *Store) Start(ctx context.Context, keep []string, name string, p api.Process, lifetime api.Lifetime) (*Loader, error) {
	if err := check(name, p); err != nil {
		return nil, err
	}
	if len(keep) == 0 {
		return nil, api.Errorf("start", toolName(p.Args), api.ErrNotSupported, "this program cannot keep processes")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	folder, err := s.reserve(name)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	l, err := s.startKeeper(keep, folder, order{
		Folder: s.dir(name), Project: name, Args: p.Args, Dir: p.Dir, Lifetime: lifetime,
	}, p.Env)
	if err != nil {
		_ = os.RemoveAll(s.dir(name)) // the folder is still locked: it is ours
		_ = os.Remove(s.root)
		return nil, err
	}
	return l, nil
}

func check(name string, p api.Process) error {
	if err := project.CheckName(name); err != nil {
		return err
	}
	cause := ""
	switch {
	case len(p.Args) == 0 || p.Args[0] == "":
		cause = "a process needs a command"
	case !filepath.IsAbs(p.Dir):
		cause = "the folder " + p.Dir + " of a process is not an absolute path"
	default:
		return nil
	}
	return api.Errorf("load", name, api.ErrUsage, cause)
}

// startKeeper starts a keeper, tells it what to start and waits for its answer.
func (s *Store) startKeeper(keep []string, folder *os.File, o order, env []string) (*Loader, error) {
	told, err := json.Marshal(o)
	if err != nil {
		return nil, api.E("start", toolName(o.Args), api.ErrFailed, err)
	}
	replies, theirs, err := os.Pipe()
	if err != nil {
		return nil, api.E("start", toolName(o.Args), api.ErrEnvironment, err)
	}
	defer theirs.Close()
	cmd := exec.Command(keep[0], keep[1:]...)
	cmd.Dir = "/"
	// Python holds back what it prints to anything but a terminal.
	cmd.Env = append(append(os.Environ(), "PYTHONUNBUFFERED=1"), env...)
	cmd.ExtraFiles = []*os.File{replyFD - 3: theirs, folderFD - 3: folder}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = replies.Close()
		return nil, api.E("start", toolName(o.Args), api.ErrEnvironment, err)
	}
	_ = theirs.Close() // else a keeper that dies leaves its answer open
	l := &Loader{
		store: s, input: input, replies: replies, kill: cmd.Process.Kill,
		ended: make(chan struct{}), gone: make(chan struct{}),
	}
	go func() {
		_ = cmd.Wait()
		close(l.gone)
	}()
	_, err = input.Write(append(told, '\n'))
	var first reply
	in := bufio.NewReader(replies)
	if err == nil {
		first, err = readReply(in)
	}
	if err == nil && first.Started == nil {
		err = refused(o, first)
	} else if err != nil {
		err = api.Errorf("start", toolName(o.Args), api.ErrFailed, "its keeper ended: "+err.Error())
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	l.Record = *first.Started
	go l.listen(in)
	return l, nil
}

func readReply(in *bufio.Reader) (reply, error) {
	var r reply
	data, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return r, err
}

// refused is the error of a loader that could not be started.
func refused(o order, r reply) error {
	name := o.Args[0]
	switch {
	case r.Denied:
		return api.Errorf("start", name, api.ErrPermission, r.Refused).WithHint("ls -l " + name)
	case r.Missing && isDir(o.Dir):
		err := api.Errorf("start", name, api.ErrEnvironment, "there is no such program")
		if strings.ContainsRune(name, '/') {
			return err
		}
		return api.Errorf("start", name, api.ErrEnvironment, "it is not installed").WithHint("apt-get install -y " + name)
	case r.Missing:
		return api.Errorf("start", name, api.ErrNotExist, "there is no folder "+o.Dir)
	default:
		return api.Errorf("start", name, api.ErrEnvironment, r.Refused)
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// listen waits for the keeper's word that the loader has ended.
func (l *Loader) listen(in *bufio.Reader) {
	r, err := readReply(in)
	if err == nil && r.Ended != nil {
		l.mu.Lock()
		l.end = r.Ended
		l.mu.Unlock()
	}
	close(l.ended)
}

// Ended is closed when the loader has ended by itself.
func (l *Loader) Ended() <-chan struct{} { return l.ended }

// Failure is the error of a loader that has ended by itself.
func (l *Loader) Failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end == nil {
		return api.Errorf("start", l.Record.Tool(), api.ErrFailed, "its keeper was killed")
	}
	return toolError(l.Record.Args, l.end.ExitCode, tail(l.store.dir(l.Record.Project), 0))
}

// Keep lets the loader go on without this process.
func (l *Loader) Keep() error {
	_, err := io.WriteString(l.input, keepWord+"\n")
	if err != nil {
		return api.E("keep", l.Record.Tool(), api.ErrFailed, fmt.Errorf("its keeper has ended: %w", err))
	}
	return errors.Join(l.input.Close(), l.replies.Close())
}

// Close ends the loader and waits until nothing of it is left.
func (l *Loader) Close() error {
	_ = l.input.Close() // the keeper's word to end
	timer := time.NewTimer(endWithin)
	defer timer.Stop()
	select {
	case <-l.gone:
	case <-timer.C:
		_ = l.kill() // the kernel kills its loader
		<-l.gone
	}
	return l.replies.Close()
}
