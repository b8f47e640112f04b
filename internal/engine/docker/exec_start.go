package docker

import (
	"context"
	"io"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// The exit codes of shells for a command that could not be started.
const (
	codeNotExecutable = 126
	codeNotFound      = 127
)

// refusals is how the text begins that engines put into a command's output when
// they could not start it, in one write.
func refusals() []string {
	return []string{"OCI runtime exec failed: ", "unable to find user "}
}

// holdBack passes on what a command prints. A first write that reads like an
// engine's refusal is kept until the next one or the end: only then can it be
// told from what a command that was started printed.
type holdBack struct {
	to   io.Writer
	any  bool
	held []byte
}

func (h *holdBack) Write(b []byte) (int, error) {
	if !h.any {
		h.any = true
		for _, prefix := range refusals() {
			if strings.HasPrefix(string(b), prefix) {
				h.held = append([]byte(nil), b...)
				return len(b), nil
			}
		}
	}
	if err := h.release(); err != nil {
		return 0, err
	}
	return h.to.Write(b)
}

// release passes on what was kept.
func (h *holdBack) release() error {
	held := h.held
	h.held = nil
	if held == nil {
		return nil
	}
	_, err := h.to.Write(held)
	return err
}

// settle decides, once the output has ended, whether what was kept is the
// engine's: a command that was never started has no process id. It returns how
// the output ended.
func (p *process) settle(ctx context.Context, h *holdBack, end error) error {
	if h.held == nil {
		return end
	}
	if end != nil {
		_ = h.release()
		return end
	}
	res, err := p.result(ctx)
	if err != nil || res.PID != 0 || (res.ExitCode != codeNotExecutable && res.ExitCode != codeNotFound) {
		return h.release()
	}
	p.refused = string(h.held)
	return nil
}

// refusal is the exit code and the error of a command that could not be started,
// from what the engine said of it. A shell would have said 127 of a command that
// is not there; engines say 126 of all.
func refusal(command, text string) (int, error) {
	cause := strings.TrimSpace(text)
	cause = strings.TrimSuffix(cause, ": unknown")
	for _, noise := range []string{"OCI runtime exec failed: ", "exec failed: ", "unable to start container process: "} {
		cause = strings.TrimPrefix(cause, noise)
	}
	code, kind := codeNotExecutable, api.ErrFailed
	switch about, _, _ := strings.Cut(cause, " "); {
	case !strings.HasPrefix(about, "exec"):
		// The folder or the user is at fault.
	case strings.HasSuffix(cause, "executable file not found in $PATH"), strings.HasSuffix(cause, "no such file or directory"):
		code, kind, cause = codeNotFound, api.ErrNotExist, "command not found in the container"
	case strings.HasSuffix(cause, "permission denied"), strings.HasSuffix(cause, "is a directory"):
		cause = "it is not an executable file in the container"
	}
	return code, api.Errorf("exec", command, kind, cause)
}
