package wire

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// message is what the frames of a call add up to: parts[0] is JSON, the others
// are raw.
type message struct {
	kind  kind
	parts [][]byte
}

// stream is one end of a call: frames that came and wait for the caller, and
// the credit for those that go. One goroutine receives and one sends.
type stream struct {
	id uint32
	c  *conn

	mu       sync.Mutex
	queue    []frame
	pending  int // cost of the frames in queue and of those taken whose credit was not returned
	taken    int // cost of those taken whose credit was not returned
	credit   int // what may be sent
	arrived  chan struct{}
	credited chan struct{}

	asm  assembler // of the receiving goroutine
	torn bool      // of the sending goroutine: a message was cut off

	cancel context.CancelFunc // server: ends the handler's context
}

func newStream(id uint32, c *conn) *stream {
	return &stream{
		id: id, c: c, credit: window,
		arrived:  make(chan struct{}, 1),
		credited: make(chan struct{}, 1),
		cancel:   func() {},
	}
}

// deliver is called by the reader and never blocks.
func (s *stream) deliver(f frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending += f.cost()
	if s.pending > window {
		return protocolf("call %d sent more than its credit", s.id)
	}
	s.queue = append(s.queue, f)
	signal(s.arrived)
	return nil
}

// grant is called by the reader when the peer returns credit.
func (s *stream) grant(f frame) error {
	if len(f.payload) != 4 {
		return protocolf("credit of %d bytes", len(f.payload))
	}
	n := binary.BigEndian.Uint32(f.payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > window || s.credit+int(n) > window {
		return protocolf("call %d got more credit than there is", s.id)
	}
	s.credit += int(n)
	signal(s.credited)
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// next takes the next frame and returns its credit. Frames that came before the
// connection was lost are still returned.
func (s *stream) next(ctx context.Context) (frame, error) {
	for {
		if err := ctx.Err(); err != nil {
			return frame{}, err
		}
		lost := s.c.lost()
		if f, ok := s.take(); ok {
			return f, nil
		}
		if lost {
			return frame{}, s.c.cause()
		}
		select {
		case <-s.arrived:
		case <-ctx.Done():
		case <-s.c.done:
		}
	}
}

func (s *stream) take() (frame, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return frame{}, false
	}
	f := s.queue[0]
	s.queue[0] = frame{}
	s.queue = s.queue[1:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	s.taken += f.cost()
	if s.taken >= window/4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(s.taken))
		s.c.out.now(encodeFrame(kindCredit, 0, s.id, b[:]))
		s.pending -= s.taken
		s.taken = 0
	}
	return f, true
}

// receive returns the next message. Cancelled in the middle of one, a later
// call goes on where this one stopped.
func (s *stream) receive(ctx context.Context) (message, error) {
	for {
		f, err := s.next(ctx)
		if err != nil {
			return message{}, err
		}
		m, whole, err := s.asm.add(f)
		if err != nil {
			s.c.fail(err)
			return message{}, err
		}
		if whole {
			return m, nil
		}
	}
}

// send sends a message as credit allows.
func (s *stream) send(ctx context.Context, k kind, parts [][]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p) + frameCost + len(p)/chunkSize*frameCost
	}
	if size > maxMessage {
		return api.Errorf("send", k.String(), api.ErrInvalid, "more than 256 MiB at once")
	}
	for i, part := range parts {
		for {
			n := min(len(part), chunkSize)
			chunk := part[:n]
			part = part[n:]
			var flags uint8
			if len(part) > 0 {
				flags |= flagPart
			}
			if i < len(parts)-1 {
				flags |= flagMore
			}
			if err := s.sendFrame(ctx, k, flags, chunk); err != nil {
				return err
			}
			s.torn = flags != 0
			if len(part) == 0 {
				break
			}
		}
		k = kindBulk
	}
	return nil
}

func (s *stream) sendFrame(ctx context.Context, k kind, flags uint8, payload []byte) error {
	for !s.spend(len(payload) + frameCost) {
		select {
		case <-s.credited:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.c.done:
			return s.c.cause()
		}
	}
	if err := s.c.out.put(ctx, encodeFrame(k, flags, s.id, payload)); err != nil {
		return s.c.why(ctx)
	}
	return nil
}

func (s *stream) spend(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.credit < n {
		return false
	}
	s.credit -= n
	return true
}

// assembler puts the frames of a call together.
type assembler struct {
	message
	begun bool
	part  []byte
	size  int
}

// add takes the next frame; whole tells that it completes m.
func (a *assembler) add(f frame) (m message, whole bool, err error) {
	if f.kind == kindError && a.kind != kindError {
		*a = assembler{} // an error may cut off the message before it
	}
	switch {
	case !a.begun && f.kind == kindBulk:
		return m, false, protocolf("call %d: bulk data without a message", f.call)
	case !a.begun:
		a.begun, a.kind = true, f.kind
	case len(a.parts) == 0 && f.kind != a.kind, len(a.parts) > 0 && f.kind != kindBulk:
		return m, false, protocolf("call %d: %v inside of %v", f.call, f.kind, a.kind)
	}
	if a.size += f.cost(); a.size > maxMessage {
		return m, false, protocolf("call %d: a message of more than %d bytes", f.call, maxMessage)
	}
	if a.part == nil {
		a.part = f.payload
	} else {
		a.part = append(a.part, f.payload...)
	}
	if f.flags&flagPart != 0 {
		return m, false, nil
	}
	a.parts = append(a.parts, a.part)
	a.part = nil
	if f.flags&flagMore != 0 {
		return m, false, nil
	}
	m = a.message
	*a = assembler{}
	return m, true, nil
}
