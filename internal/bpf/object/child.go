package object

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// childTime is how long a child may take, starting it included.
const childTime = 5 * time.Second

// CheckInChild has another process parse the object first, so that a file made
// to break parsers breaks only that. argv names a program that calls
// CheckLimited on its standard input and exits with 0 when that succeeds; what
// it says on standard error is the cause.
//
// Errors: ErrInvalid, ErrTimeout, ErrEnvironment (argv cannot be run).
func CheckInChild(ctx context.Context, argv []string, obj api.Object) error {
	if err := Check(obj); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	said := &headWriter{limit: 4096}
	cmd := exec.CommandContext(limited, argv[0], argv[1:]...)
	cmd.Stdin = bytes.NewReader(obj.Data)
	cmd.Stderr = said
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return api.Errorf("read", obj.Name, api.ErrTimeout, "parsing it took longer than "+childTime.String())
	case errors.As(err, &exit):
		return invalid(obj.Name, childCause(said.buf.String(), exit))
	default:
		return api.E("start", argv[0], api.ErrEnvironment, err)
	}
}

// childCause makes one line of what a child said before it ended.
func childCause(said string, exit *exec.ExitError) string {
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	switch {
	case strings.Contains(first, "out of memory") || strings.Contains(first, "cannot allocate"):
		return "parsing it needs more memory than is allowed"
	case first == "" || exit.ExitCode() < 0 || strings.HasPrefix(first, "fatal error"):
		return "the parser died on it: " + exit.String()
	default:
		return first
	}
}

// headWriter keeps the first bytes of what is written to it. The buffer is no
// embedded one: io.Copy would find its ReadFrom, which knows no limit.
type headWriter struct {
	buf   bytes.Buffer
	limit int
}

// Write never fails, so that the child is not stopped by it.
func (w *headWriter) Write(p []byte) (int, error) {
	w.buf.Write(p[:min(len(p), w.limit-w.buf.Len())])
	return len(p), nil
}
