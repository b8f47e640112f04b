package mailbox

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"unsafe"
)

// PageSize is the size of each page in bytes.
const PageSize = 4096

// magic says that the memory is a mailbox of this layout.
const magic = 0x31786f62_6c69616d // "mailbox1", little-endian

// Offsets of the words in the first page, each in a cache line of its own.
const (
	atMagic   = 0
	atToHost  = 64 // written; read follows
	atToGuest = 192
	atWaiting = 320
)

// Side is one of the two ends.
type Side uint

// The sides.
const (
	Host Side = iota
	Guest
)

// Bits of the word that says who waits.
func (s Side) reads() uint32  { return 1 << (2 * s) }
func (s Side) writes() uint32 { return 2 << (2 * s) }

// Conn is one side of a mailbox. One goroutine may read while another writes.
type Conn struct {
	side    Side
	in, out ring
	waiting *atomic.Uint32
	bell    io.ReadWriteCloser

	read, write chan struct{} // the bell rang for whoever reads, writes
	done        chan struct{}
	close       func() error

	using  sync.RWMutex // held for reading by whoever looks at the memory
	closed bool
}

// ring is one direction.
type ring struct {
	pages         [][]byte
	written, seen *atomic.Uint64
}

func (r *ring) size() uint64 { return uint64(len(r.pages)) * PageSize }

// errBroken is a mailbox whose other side wrote nonsense.
var errBroken = errors.New("the memory that is shared with the guest is damaged")

// Format makes a mailbox of pages, all of PageSize. One side does so before the
// other one opens it; there have to be at least three.
func Format(pages [][]byte) error {
	if err := check(pages); err != nil {
		return err
	}
	clear(pages[0])
	word(pages[0], atMagic).Store(magic)
	return nil
}

func check(pages [][]byte) error {
	if len(pages) < 3 {
		return fmt.Errorf("a mailbox of %d pages is too small", len(pages))
	}
	for _, p := range pages {
		if len(p) != PageSize {
			return fmt.Errorf("a page of %d bytes", len(p))
		}
	}
	return nil
}

func word(page []byte, at int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&page[at]))
}

// Open opens one side of a mailbox that Format made. bell is the line to the other
// side: a byte on it means "look"; it is closed by Close, and when it ends so does
// the stream.
func Open(side Side, pages [][]byte, bell io.ReadWriteCloser) (*Conn, error) {
	if err := check(pages); err != nil {
		return nil, err
	}
	head := pages[0]
	if word(head, atMagic).Load() != magic {
		return nil, errBroken
	}
	half := 1 + (len(pages)-1)/2
	toHost := ring{pages[1:half], word(head, atToHost), word(head, atToHost+64)}
	toGuest := ring{pages[half:], word(head, atToGuest), word(head, atToGuest+64)}
	c := &Conn{
		side: side, in: toHost, out: toGuest, bell: bell,
		waiting: (*atomic.Uint32)(unsafe.Pointer(&head[atWaiting])),
		read:    make(chan struct{}, 1), write: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if side == Guest {
		c.in, c.out = toGuest, toHost
	}
	c.close = sync.OnceValue(bell.Close)
	go c.listen()
	return c, nil
}

// listen wakes both directions for each ring of the bell, until the line ends.
func (c *Conn) listen() {
	defer close(c.done)
	rings := make([]byte, 256)
	for {
		n, err := c.bell.Read(rings)
		if n > 0 {
			for _, wake := range []chan struct{}{c.read, c.write} {
				select {
				case wake <- struct{}{}:
				default: // it was told already
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// Read implements io.Reader. It waits until there is something to read, and
// returns io.EOF when the line ended and everything was read.
func (c *Conn) Read(p []byte) (int, error) {
	c.using.RLock()
	defer c.using.RUnlock()
	if c.closed {
		return 0, io.ErrClosedPipe
	}
	for len(p) > 0 {
		n, err := c.in.take(p)
		if n > 0 || err != nil {
			return n, errors.Join(err, c.moved(c.side.other().writes()))
		}
		if over := c.wait(c.side.reads(), c.read, func() bool { return c.in.filled() > 0 }); over {
			if n, err := c.in.take(p); n > 0 || err != nil {
				return n, err
			}
			return 0, io.EOF
		}
	}
	return 0, nil
}

// Write implements io.Writer. It waits until there is room for all of p.
func (c *Conn) Write(p []byte) (int, error) {
	c.using.RLock()
	defer c.using.RUnlock()
	if c.closed {
		return 0, io.ErrClosedPipe
	}
	done := 0
	for done < len(p) {
		n, err := c.out.put(p[done:])
		done += n
		if n > 0 {
			err = errors.Join(err, c.moved(c.side.other().reads()))
		}
		if err != nil {
			return done, err
		}
		if n > 0 {
			continue
		}
		if over := c.wait(c.side.writes(), c.write, func() bool { return c.out.filled() < c.out.size() }); over {
			return done, io.ErrClosedPipe
		}
	}
	return done, nil
}

// Close ends the line, and waits until nobody looks at the memory any more: it may
// be freed then. What the other side has not read yet, it may not get.
func (c *Conn) Close() error {
	err := c.close()
	<-c.done
	c.using.Lock()
	defer c.using.Unlock()
	c.closed = true
	return err
}

func (s Side) other() Side { return 1 - s }

// wait sleeps until the bell rings, unless ready holds by now. It returns true
// when the line has ended.
func (c *Conn) wait(bit uint32, bell chan struct{}, ready func() bool) (over bool) {
	c.waiting.Or(bit)
	if ready() {
		return false
	}
	select {
	case <-bell:
		return false
	case <-c.done:
		return true
	}
}

// moved rings when the other side waits for an index that has moved.
func (c *Conn) moved(bit uint32) error {
	if c.waiting.And(^bit)&bit == 0 {
		return nil
	}
	if _, err := c.bell.Write([]byte{'.'}); err != nil {
		return io.ErrClosedPipe
	}
	return nil
}

// filled is how many bytes are in the ring; more than its size when it is damaged.
func (r *ring) filled() uint64 { return r.written.Load() - r.seen.Load() }

// take moves bytes from the ring to p.
func (r *ring) take(p []byte) (int, error) {
	filled := r.filled()
	if filled > r.size() {
		return 0, errBroken
	}
	seen := r.seen.Load()
	n := int(min(filled, uint64(len(p))))
	for done := 0; done < n; {
		done += copy(p[done:n], r.at(seen+uint64(done)))
	}
	r.seen.Store(seen + uint64(n))
	return n, nil
}

// put moves bytes from p to the ring, as many as there is room for.
func (r *ring) put(p []byte) (int, error) {
	filled := r.filled()
	if filled > r.size() {
		return 0, errBroken
	}
	written := r.written.Load()
	n := int(min(r.size()-filled, uint64(len(p))))
	for done := 0; done < n; {
		done += copy(r.at(written+uint64(done)), p[done:n])
	}
	r.written.Store(written + uint64(n))
	return n, nil
}

// at returns the rest of the page that holds the byte with an index.
func (r *ring) at(index uint64) []byte {
	index %= r.size()
	return r.pages[index/PageSize][index%PageSize:]
}
