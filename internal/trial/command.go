package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// keptOutput is how much of a command's output is kept for an error, in bytes.
const keptOutput = 16 << 10

// sh runs a script in the container as its remote user, in the project's folder.
func (a *attempt) sh(ctx context.Context, script string) error {
	var out lines
	code, err := a.Workspace.Exec(ctx, api.ExecRequest{
		Folder: a.folder, Args: []string{"bash", "-c", script}, Streams: api.Streams{Out: &out, Err: &out},
	})
	if err == nil && code != 0 {
		err = &api.ToolError{Tool: script, ExitCode: code, Stderr: out.text()}
	}
	return err
}

// loaderScript runs the project's own loader until its input ends, and then
// interrupts it as Ctrl-C would. Job control gives it a process group.
const loaderScript = `set -m
make run < /dev/null &
cat > /dev/null
kill -INT -- "-$!"
wait`

// seeOutput runs the project's own loader, makes the stimulus until a line that
// it prints shows it, and sees that the loader leaves no program behind.
func (a *attempt) seeOutput(ctx context.Context) (string, error) {
	before, err := a.programs(ctx)
	if err != nil {
		return "", err
	}
	during, err := a.runLoader(ctx)
	if err != nil {
		return "", err
	}
	during = slices.DeleteFunc(during, func(id uint32) bool { return slices.Contains(before, id) })
	return a.result.Output, a.waitGone(ctx, during)
}

// runLoader returns the programs that the kernel held while the loader ran.
func (a *attempt) runLoader(ctx context.Context) (during []uint32, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*seenWithin, errUnseen)
	defer cancel()
	out := &lines{want: a.output, seen: make(chan string, 1)}
	stdin, stop := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := a.Workspace.Exec(ctx, api.ExecRequest{
			Folder: a.folder, Args: []string{"bash", "-c", loaderScript}, Streams: api.Streams{In: stdin, Out: out, Err: out},
		})
		ended <- err
	}()
	line, err := a.stimulateUntil(ctx, out.seen, ended)
	if err == nil {
		a.result.Output = strings.TrimSpace(line)
		during, err = a.programs(ctx)
	}
	_ = stop.Close()
	if err != nil {
		return nil, api.Errorf("run", a.kind.ID, api.ErrFailed, fmt.Sprintf("%v\n%s", err, out.text()))
	}
	select {
	case err := <-ended:
		return during, err
	case <-ctx.Done():
		return nil, api.Errorf("run", a.kind.ID, api.ErrFailed, "the loader does not end on an interrupt\n"+out.text())
	}
}

// stimulateUntil makes the stimulus again and again until the line is seen: the
// loader may not be attached yet at the first.
func (a *attempt) stimulateUntil(ctx context.Context, seen <-chan string, ended chan error) (string, error) {
	for {
		if err := a.sh(ctx, "exec make stimulus"); err != nil {
			return "", errors.Join(err, context.Cause(ctx))
		}
		select {
		case line := <-seen:
			return line, nil
		case err := <-ended:
			return "", errors.Join(errors.New("the loader ended by itself"), err)
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(time.Second): // loaders that print once a second
		}
	}
}

var errUnseen = errors.New("the stimulus is not in its output")

// programs returns the ids of the programs that some process holds: those that
// are pinned alone are no loader's.
func (a *attempt) programs(ctx context.Context) ([]uint32, error) {
	list, err := a.session.ListPrograms(ctx, api.ListRequest{})
	if err != nil {
		return nil, err
	}
	var ids []uint32
	for _, p := range list {
		if len(p.Owners) > 0 {
			ids = append(ids, p.ID)
		}
	}
	return ids, nil
}

// waitGone waits until the kernel has none of the programs any more: it frees
// them a moment after their last user went.
func (a *attempt) waitGone(ctx context.Context, ids []uint32) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	ctx, cancel := context.WithTimeout(ctx, seenWithin)
	defer cancel()
	for len(ids) > 0 {
		now, err := a.programs(ctx)
		if err != nil {
			return err
		}
		ids = slices.DeleteFunc(ids, func(id uint32) bool { return !slices.Contains(now, id) })
		if len(ids) == 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return api.Errorf("run", a.kind.ID, api.ErrFailed, fmt.Sprintf("programs %v are left", ids))
		}
	}
	return nil
}

// lines takes a command's output, keeps its end, and tells of the first line
// that is wanted.
type lines struct {
	mu      sync.Mutex
	kept    []byte
	partial []byte
	want    *regexp.Regexp // nil for none
	seen    chan string    // holds one
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, p...)
	if over := len(l.kept) - keptOutput; over > 0 {
		l.kept = slices.Delete(l.kept, 0, over)
	}
	if l.want == nil {
		return len(p), nil
	}
	l.partial = append(l.partial, p...)
	for {
		line, rest, ok := bytes.Cut(l.partial, []byte("\n"))
		if !ok {
			break
		}
		if l.want.Match(line) {
			select {
			case l.seen <- string(line):
			default:
			}
		}
		l.partial = rest
	}
	if len(l.partial) > keptOutput {
		l.partial = nil
	}
	return len(p), nil
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimRight(string(l.kept), "\n")
}
