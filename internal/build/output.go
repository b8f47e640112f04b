package build

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const (
	maxLine = 64 << 10 // bytes of one line; a longer one is cut into several
	maxTail = 64 << 10 // bytes that are kept for the error
)

// readLines hands the lines of r, without their line ends, to emit: those that
// are there at once together, at most maxLine bytes.
func readLines(r io.Reader, emit func(lines []string)) error {
	br := bufio.NewReaderSize(r, maxLine)
	var lines []string
	for {
		line, err := br.ReadSlice('\n')
		if len(line) > 0 {
			line = bytes.TrimSuffix(line, []byte("\n"))
			lines = append(lines, string(bytes.TrimSuffix(line, []byte("\r"))))
		}
		full := errors.Is(err, bufio.ErrBufferFull)
		if rest, _ := br.Peek(br.Buffered()); len(lines) > 0 && (err != nil || bytes.IndexByte(rest, '\n') < 0) {
			emit(lines)
			lines = nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !full:
			return err
		}
	}
}

// tail keeps the last lines, at most maxTail bytes of them.
type tail struct {
	lines []string
	size  int
}

func (t *tail) add(line string) {
	t.lines = append(t.lines, line)
	t.size += len(line) + 1
	drop := 0
	for t.size > maxTail && drop < len(t.lines)-1 {
		t.size -= len(t.lines[drop]) + 1
		t.lines[drop] = ""
		drop++
	}
	t.lines = t.lines[drop:]
}

// String returns the lines, at most maxTail bytes.
func (t *tail) String() string {
	var b bytes.Buffer
	for _, l := range t.lines {
		b.WriteString(l)
		b.WriteByte('\n')
	}
	s := b.Bytes()
	if len(s) > maxTail {
		s = s[len(s)-maxTail:]
	}
	return string(s)
}

// output is lines that came from a tool together.
type output struct {
	lines  []string
	stderr bool
}
