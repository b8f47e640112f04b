package vm

import (
	"bufio"
	"errors"
	"io"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/kernel/guest"
)

// line is the second serial port: a guest rings on it, a byte at a time, and says
// on it where the mailbox of the next meeting is, in a line of its own.
type line struct {
	in      io.WriteCloser
	rang    chan struct{}    // it has rung since the last look
	ready   chan []guest.Run // a guest waits to be met
	ended   chan struct{}    // QEMU has closed it
	console io.Writer        // gets what nobody understands
}

// ring is what a bell sounds like; a line of words begins with something else.
const ring = '.'

func newLine(out io.Reader, in io.WriteCloser, console io.Writer) *line {
	l := &line{in: in, rang: make(chan struct{}, 1), ready: make(chan []guest.Run, 1), ended: make(chan struct{}), console: console}
	go l.listen(bufio.NewReader(out))
	return l
}

func (l *line) listen(r *bufio.Reader) {
	defer close(l.ended)
	for {
		b, err := r.ReadByte()
		if err != nil {
			return
		}
		if b == ring {
			select {
			case l.rang <- struct{}{}:
			default: // it was told already
			}
			continue
		}
		_ = r.UnreadByte() // cannot fail after ReadByte
		said, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if runs, ok := guest.ParseReady(said); ok {
			select {
			case <-l.ready: // a meeting that nobody came to
			default:
			}
			l.ready <- runs
			continue
		}
		_, _ = io.WriteString(l.console, said)
	}
}

// meeting waits until the guest can be met.
func (l *line) meeting() ([]guest.Run, error) {
	select {
	case runs := <-l.ready:
		return runs, nil
	case <-l.ended:
		return nil, errEnded
	}
}

// bell is the line as one mailbox has it: closing it leaves the line open.
type bell struct {
	*line
	closed chan struct{}
	close  func()
}

func (l *line) bell() *bell {
	b := &bell{line: l, closed: make(chan struct{})}
	b.close = sync.OnceFunc(func() { close(b.closed) })
	return b
}

// Read returns when the other side has rung.
func (b *bell) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	select {
	case <-b.rang:
		p[0] = ring
		return 1, nil
	case <-b.closed:
	case <-b.ended:
	}
	return 0, io.EOF
}

// Write rings.
func (b *bell) Write(p []byte) (int, error) {
	select {
	case <-b.closed:
		return 0, errors.New("the meeting is over")
	default:
		return b.in.Write(p)
	}
}

// Close ends the meeting.
func (b *bell) Close() error {
	b.close()
	return nil
}
