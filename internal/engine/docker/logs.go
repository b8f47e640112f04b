package docker

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// maxLogLine is where a line that does not end is cut.
const maxLogLine = 64 << 10

// ContainerLogs sends what the container's main process printed, line by line.
func (e *Engine) ContainerLogs(ctx context.Context, id string, req engine.LogsSpec, fn func(api.LogLine) error) error {
	const op = "read logs of container"
	res, err := e.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return e.fault(ctx, op, short(id), err)
	}
	opts := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: req.Follow}
	if req.Tail > 0 {
		opts.Tail = strconv.Itoa(req.Tail)
	}
	stream, err := e.api.ContainerLogs(ctx, id, opts)
	if err != nil {
		return e.fault(ctx, op, short(id), err)
	}
	defer func() { _ = stream.Close() }()

	sink := &logSink{fn: fn}
	out, errs := &lineWriter{emit: sink.line(false)}, &lineWriter{emit: sink.line(true)}
	if cfg := res.Container.Config; cfg != nil && cfg.Tty {
		_, err = io.Copy(out, stream)
	} else {
		_, err = stdcopy.StdCopy(out, errs, stream)
	}
	if err == nil {
		err = out.flush()
	}
	if err == nil {
		err = errs.flush()
	}
	if sink.err != nil {
		return sink.err
	}
	return e.fault(ctx, op, short(id), err)
}

// logSink parses lines and hands them on; it keeps the callback's own error,
// which goes back as it is.
type logSink struct {
	fn  func(api.LogLine) error
	err error
}

func (s *logSink) line(stderr bool) func(string) error {
	return func(text string) error {
		line := api.LogLine{Stderr: stderr, Text: text}
		if stamp, rest, ok := strings.Cut(text, " "); ok {
			if t, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
				line.Time, line.Text = t, rest
			}
		}
		s.err = s.fn(line)
		return s.err
	}
}

// lineWriter cuts what is written to it into lines.
type lineWriter struct {
	emit func(string) error
	buf  []byte
}

// Write emits each whole line.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	for {
		i := bytes.IndexByte(w.buf, '\n')
		cut := i + 1
		if i < 0 {
			if len(w.buf) < maxLogLine {
				return len(p), nil
			}
			i, cut = maxLogLine, maxLogLine
		}
		line := strings.TrimSuffix(string(w.buf[:i]), "\r")
		w.buf = w.buf[cut:]
		if err := w.emit(line); err != nil {
			return len(p), err
		}
	}
}

// flush emits what is left without a newline.
func (w *lineWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	line := string(w.buf)
	w.buf = nil
	return w.emit(line)
}
