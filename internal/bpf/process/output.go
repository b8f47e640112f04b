package process

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

const (
	outputName = "output"
	oldName    = "output.old"

	maxOutput = 1 << 20  // bytes of one file; there are two
	maxLine   = 16 << 10 // bytes of a line; a longer one is cut into several
	maxTail   = 1000     // lines that are read back at once
)

// line is one line of a loader in the log. Numbers count from 1 without a gap,
// so that a reader knows how many it has missed.
type line struct {
	Number uint64    `json:"n"`
	Time   time.Time `json:"time"`
	Stderr bool      `json:"stderr,omitempty"`
	Text   string    `json:"text"`
}

func (l line) output() api.OutputLine {
	return api.OutputLine{Time: l.Time, Stderr: l.Stderr, Text: l.Text}
}

// log writes lines into a folder. When the file is full it takes the old one's
// place, so that a loader that prints for years fills nothing.
type log struct {
	dir string

	mu   sync.Mutex
	file *os.File
	size int
	next uint64
}

func newLog(dir string) (*log, error) {
	l := &log{dir: dir}
	return l, l.open()
}

func (l *log) open() error {
	var err error
	l.file, err = os.OpenFile(filepath.Join(l.dir, outputName), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	l.size = 0
	return err
}

// add writes a line. One that cannot be written (a full disk) is missing in the
// log, and its number says so; the loader must not stop for it.
func (l *log) add(stderr bool, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	data, err := json.Marshal(line{Number: l.next, Time: time.Now(), Stderr: stderr, Text: text})
	if err != nil || l.file == nil {
		return
	}
	if l.size+len(data) >= maxOutput {
		_ = l.file.Close()
		_ = os.Rename(filepath.Join(l.dir, outputName), filepath.Join(l.dir, oldName))
		if l.open() != nil {
			l.file = nil
			return
		}
	}
	n, _ := l.file.Write(append(data, '\n'))
	l.size += n
}

// copy adds the lines of a stream until its end.
func (l *log) copy(r io.Reader, stderr bool) {
	br := bufio.NewReaderSize(r, maxLine)
	for cut := false; ; {
		text, err := br.ReadSlice('\n')
		part := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
		if len(part) > 0 || len(text) > 0 && !cut {
			l.add(stderr, string(part))
		}
		cut = errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !cut {
			return
		}
	}
}

// readLines calls fn for the whole lines of a file from where it is read, and
// leaves the part of one that is being written for the next time.
func readLines(f *os.File, fn func(line) bool) {
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return
	}
	br := bufio.NewReader(f)
	for {
		data, err := br.ReadBytes('\n')
		if err != nil {
			break
		}
		at += int64(len(data))
		var l line
		if json.Unmarshal(data, &l) == nil && !fn(l) {
			break
		}
	}
	_, _ = f.Seek(at, io.SeekStart) // a regular file can
}

// tail returns the last lines in a folder after the one with a number.
func tail(dir string, after uint64) []line {
	var lines []line
	for _, name := range []string{oldName, outputName} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		readLines(f, func(l line) bool {
			if l.Number > after {
				lines = append(lines, l)
			}
			return true
		})
		_ = f.Close()
	}
	// Between two reads the new file may have become the old one.
	slices.SortStableFunc(lines, func(a, b line) int { return int(a.Number) - int(b.Number) })
	lines = slices.CompactFunc(lines, func(a, b line) bool { return a.Number == b.Number })
	return lines[max(0, len(lines)-maxTail):]
}

func outputs(lines []line) []api.OutputLine {
	out := make([]api.OutputLine, len(lines))
	for i, l := range lines {
		out[i] = l.output()
	}
	return out
}

// toolError is the error of a loader that ended: with what it said on standard
// error, or on the other output when it said nothing there.
func toolError(args []string, exitCode int, said []line) *api.ToolError {
	var text [2]bytes.Buffer
	for _, l := range said {
		b := &text[0]
		if l.Stderr {
			b = &text[1]
		}
		b.WriteString(l.Text)
		b.WriteByte('\n')
	}
	end := text[1].Bytes()
	if len(end) == 0 {
		end = text[0].Bytes()
	}
	const most = 64 << 10
	return &api.ToolError{Tool: toolName(args), ExitCode: exitCode, Stderr: string(end[max(0, len(end)-most):])}
}
