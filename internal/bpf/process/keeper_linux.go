package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// The keeper's files beside its input.
const (
	replyFD  = 3 // replies to who started it
	folderFD = 4 // the project's folder, locked
)

// How long a loader gets after each request to end.
const (
	interruptGrace = 5 * time.Second // bpftrace prints its maps
	terminateGrace = 2 * time.Second
	drainGrace     = time.Second // for output that is still on its way
	killRetry      = 20 * time.Millisecond
)

// order is the first line of a keeper's input. The loader's environment is the
// keeper's own.
type order struct {
	Folder   string       `json:"folder"`
	Project  string       `json:"project"`
	Args     []string     `json:"args"`
	Dir      string       `json:"dir"`
	Lifetime api.Lifetime `json:"lifetime"`
}

// keepWord is the line that tells a keeper to go on without its input.
const keepWord = "keep"

// reply is one line that a keeper writes to who started it.
type reply struct {
	Started *Record `json:"started,omitempty"`
	Refused string  `json:"refused,omitempty"` // why the loader could not be started
	Missing bool    `json:"missing,omitempty"` // there is no such program
	Denied  bool    `json:"denied,omitempty"`  // it may not be run
	Ended   *End    `json:"ended,omitempty"`   // the loader ended by itself
}

// keeper is the parent of a loader.
type keeper struct {
	order
	record Record
	log    *log
	reply  *json.Encoder
	output sync.WaitGroup
	loader int           // its number, and that of its group
	ended  chan End      // the loader's end
	alone  chan struct{} // closed when no process of the loader is left

	signals sync.Mutex // held while a signal is sent or an end is taken note of
	gone    bool       // the loader's number is free
}

// Keep is what a keeper process does: it starts a loader and ends with it. It
// is the main goroutine's, and its context ends when the keeper is asked to end.
func Keep(ctx context.Context, in io.Reader) error {
	unix.CloseOnExec(replyFD)
	unix.CloseOnExec(folderFD)
	signal.Reset(syscall.SIGPIPE) // a loader starts with it as a shell would start it
	// The kernel kills the loader when the thread that started it ends.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	lines := bufio.NewReader(in)
	text, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	k := &keeper{
		reply: json.NewEncoder(os.NewFile(replyFD, "reply")),
		ended: make(chan End, 1), alone: make(chan struct{}),
	}
	if err := json.Unmarshal(text, &k.order); err != nil {
		return err
	}
	if err := k.start(); err != nil {
		return k.reply.Encode(reply{
			Refused: err.Error(), Denied: errors.Is(err, os.ErrPermission),
			Missing: errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist),
		})
	}
	_ = k.reply.Encode(reply{Started: &k.record}) // who does not listen has gone: the input has ended too
	return k.watch(ctx, commands(lines))
}

// commands passes on the lines of the input; the channel closes at its end.
func commands(in *bufio.Reader) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		for {
			text, err := in.ReadString('\n')
			if err != nil {
				return
			}
			out <- strings.TrimSuffix(text, "\n")
		}
	}()
	return out
}

// start starts the loader and writes down that it runs.
func (k *keeper) start() error {
	var err error
	if k.log, err = newLog(k.Folder); err != nil {
		return err
	}
	cmd := exec.Command(k.Args[0], k.Args[1:]...)
	cmd.Dir = k.Dir
	// A group of its own: what Ctrl-C reaches at a terminal.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			_ = f.Close()
		}
	}()
	for _, to := range []*io.Writer{&cmd.Stdout, &cmd.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		*to, theirs = w, append(theirs, w)
		stderr := to == &cmd.Stderr
		k.output.Go(func() {
			k.log.copy(r, stderr)
			_ = r.Close()
		})
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	k.loader = cmd.Process.Pid
	loader, _ := idOf(k.loader) // it is there until it is waited for
	self, _ := idOf(os.Getpid())
	k.record = Record{
		Project: k.Project, Boot: bootID(), Keeper: self, Loader: loader, Args: k.Args, Dir: k.Dir,
		Lifetime: k.Lifetime, StartedAt: time.Now(),
	}
	go k.reap()
	if err := k.record.write(k.Folder); err != nil {
		k.kill()
		return err
	}
	return nil
}

// reap waits for the loader and for all that it leaves behind. Nobody is waited
// for while a signal is sent, so that no number can be a stranger's by then.
func (k *keeper) reap() {
	defer close(k.alone)
	for {
		err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return // no child is left
		}
		k.bury()
	}
}

// bury takes note of the children that have ended.
func (k *keeper) bury() {
	k.signals.Lock()
	defer k.signals.Unlock()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if err != nil || pid <= 0 {
			return
		}
		if pid != k.loader {
			continue
		}
		k.gone = true
		end := End{At: time.Now(), ExitCode: status.ExitStatus()}
		if status.Signaled() {
			end.Signal = int(status.Signal())
			end.ExitCode = 128 + end.Signal
		}
		k.ended <- end
	}
}

// watch waits for the loader's end or for a request to end it.
func (k *keeper) watch(ctx context.Context, in <-chan string) error {
	kept := false
	for {
		select {
		case end := <-k.ended:
			k.over(end)
			_ = k.reply.Encode(reply{Ended: &end}) // nobody may listen any more
			if !kept {
				kept = k.waitOrdered(ctx, in)
			}
			if !kept && ctx.Err() == nil {
				return k.remove()
			}
			return nil
		case word, open := <-in:
			switch {
			case word == keepWord:
				kept, in = true, nil
			case !open:
				k.end()
				return k.remove()
			}
		case <-ctx.Done():
			k.end() // who asked for it reads the folder and removes it
			return nil
		}
	}
}

// remove removes what tells of the loader.
func (k *keeper) remove() error {
	err := os.RemoveAll(k.Folder)
	_ = os.Remove(filepath.Dir(k.Folder)) // stays while something is in it
	return err
}

// waitOrdered waits until somebody has taken note of a loader's end, and reports
// whether its folder is to stay.
func (k *keeper) waitOrdered(ctx context.Context, in <-chan string) bool {
	select {
	case word := <-in:
		return word == keepWord
	case <-ctx.Done():
		return false
	}
}

// over kills what the loader left behind, and writes down how it ended.
func (k *keeper) over(end End) {
	k.kill()
	k.drain()
	k.record.Ended = &end
	_ = k.record.write(k.Folder) // a full disk; the log then shows the loader as gone
}

// end asks the loader to end, more urgently each time, and kills it at last.
func (k *keeper) end() {
	for _, step := range []struct {
		signal unix.Signal
		grace  time.Duration
	}{{unix.SIGINT, interruptGrace}, {unix.SIGTERM, terminateGrace}} {
		k.signal(step.signal)
		timer := time.NewTimer(step.grace)
		select {
		case end := <-k.ended:
			timer.Stop()
			k.over(end)
			return
		case <-timer.C:
		}
	}
	k.signal(unix.SIGKILL)
	k.over(<-k.ended)
}

// signal sends a signal to the loader and its group, as a terminal does.
func (k *keeper) signal(sig unix.Signal) {
	k.signals.Lock()
	defer k.signals.Unlock()
	if !k.gone {
		_ = unix.Kill(-k.loader, sig)
	}
}

// kill kills all that is left of the loader: our children, and in turn those who
// become it.
func (k *keeper) kill() {
	ticker := time.NewTicker(killRetry)
	defer ticker.Stop()
	for {
		k.killChildren()
		select {
		case <-k.alone:
			return
		case <-ticker.C:
		}
	}
}

func (k *keeper) killChildren() {
	k.signals.Lock()
	defer k.signals.Unlock()
	for _, pid := range children(os.Getpid()) {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// children returns the processes that have a parent.
func children(parent int) []int {
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if s, ok := readStat(pid); ok && s.parent == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}

// drain waits for the rest of the output. A stranger may hold it open.
func (k *keeper) drain() {
	done := make(chan struct{})
	go func() {
		k.output.Wait()
		close(done)
	}()
	timer := time.NewTimer(drainGrace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
