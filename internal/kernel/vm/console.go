package vm

import (
	"io"
	"regexp"
	"strings"
	"sync"
)

// consoleHalf is how much of a console's beginning and of its end is kept, each.
const consoleHalf = 64 << 10

// console keeps what a guest's console and QEMU itself print, within bounds.
type console struct {
	ended chan struct{} // the guest's console has been read to its end

	mu         sync.Mutex
	head, tail []byte
	lost       bool
}

func newConsole() *console { return &console{ended: make(chan struct{})} }

// follow reads the guest's console to its end, and closes it.
func (c *console) follow(r io.ReadCloser) {
	defer close(c.ended)
	_, _ = io.Copy(c, r)
	_ = r.Close()
}

// Write implements io.Writer; it never fails.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(p), consoleHalf-len(c.head))
	c.head = append(c.head, p[:n]...)
	c.tail = append(c.tail, p[n:]...)
	if over := len(c.tail) - consoleHalf; over > 0 {
		c.tail, c.lost = append(c.tail[:0], c.tail[over:]...), true
	}
	return len(p), nil
}

// String returns the output, with a line where some is missing.
func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	gap := ""
	if c.lost {
		gap = "\n… some of the console's output is left out here …\n"
	}
	return strings.ReplaceAll(string(c.head)+gap+string(c.tail), "\r", "")
}

// reasons is how a kernel, a program in it or QEMU says why it gives up.
var reasons = regexp.MustCompile(`(?m)^(?:\[[ \d.]*\] )?(Kernel panic - not syncing: .*|(?:ebpfdev init|qemu-system-[^ :]*|error|panic|fatal error): .*)$`)

// colour is how a program paints what it prints.
var colour = regexp.MustCompile(`\x1b\[[\d;]*m`)

// stamp is the time before a line of the kernel's.
var stamp = regexp.MustCompile(`^\[[ \d.]*\] `)

// reason is the first line that says why, else the last line.
func (c *console) reason() string {
	if m := reasons.FindStringSubmatch(colour.ReplaceAllString(c.String(), "")); m != nil {
		return strings.TrimSpace(m[1])
	}
	return c.last()
}

// last is the last line that is not empty.
func (c *console) last() string {
	text := strings.TrimRight(c.String(), " \n\t")
	line := text[strings.LastIndexByte(text, '\n')+1:]
	return strings.TrimSpace(stamp.ReplaceAllString(line, ""))
}
