package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
)

const (
	headerSize = 20
	maxPayload = 16 << 20  // of one frame, in bytes; a bigger one ends the connection
	chunkSize  = 256 << 10 // what a sender puts into one frame, so that calls take turns
	frameCost  = 64        // bytes that a frame costs on top of its payload
	window     = 1 << 20   // bytes of frames that may be on their way for one call and direction
	maxMessage = 256 << 20 // bytes of one message, all parts
	magic0     = 'e'
	magic1     = 'b'
)

// kind says what a frame is.
type kind uint8

const (
	kindHello    kind = iota + 1 // JSON hello; the first frame of both ends, call 0
	kindOpen                     // client: begins a call; the payload is the method's name
	kindRequest                  // client: the call's request
	kindItem                     // server: one item of a stream
	kindResponse                 // server: the result; ends the call
	kindError                    // server: the error; ends the call, may cut off an item
	kindBulk                     // both: raw bytes, a further part of the message before it
	kindCancel                   // client: the caller does not want the call any more
	kindCredit                   // both: four bytes, how much more may be sent
	kindPing                     // both: nothing, call 0
	kindBye                      // client: close the target; server: it is closed, with an error or empty
	kindEnd                      // the first number that is no kind
)

// String returns the kind's name for error messages.
func (k kind) String() string {
	names := [...]string{"", "hello", "open", "request", "item", "response", "error", "bulk", "cancel", "credit", "ping", "bye"}
	if k > 0 && int(k) < len(names) {
		return names[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// The flags of a frame that carries a message.
const (
	flagPart uint8 = 1 << iota // the part goes on in the next frame of this call
	flagMore                   // the message has a further part
	flagEnd                    // the first bit that is no flag
)

// frame is one frame as it was received.
type frame struct {
	kind    kind
	flags   uint8
	call    uint32
	payload []byte
}

// cost is what the frame takes of a window.
func (f frame) cost() int { return len(f.payload) + frameCost }

// ProtocolError is a byte stream that is no conversation of ours.
type ProtocolError struct {
	Reason string
}

// Error returns the reason.
func (e *ProtocolError) Error() string { return e.Reason }

func protocolf(format string, args ...any) error {
	return &ProtocolError{Reason: "bad frame: " + fmt.Sprintf(format, args...)}
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// encodeFrame returns a frame as it travels. The payload is copied.
func encodeFrame(k kind, flags uint8, call uint32, payload []byte) []byte {
	b := make([]byte, headerSize, headerSize+len(payload))
	b[0], b[1], b[2], b[3] = magic0, magic1, byte(k), flags
	binary.BigEndian.PutUint32(b[4:], call)
	binary.BigEndian.PutUint32(b[8:], uint32(len(payload)))
	binary.BigEndian.PutUint32(b[12:], checksum(payload))
	binary.BigEndian.PutUint32(b[16:], checksum(b[:16]))
	return append(b, payload...)
}

// notOursError is a header without our magic: the peer is no ebpfdev, or a lost
// byte moved the frames.
type notOursError struct {
	ProtocolError
	head []byte // what was read
}

// Unwrap makes it a ProtocolError for errors.As.
func (e *notOursError) Unwrap() error { return &e.ProtocolError }

// readFrame reads one frame. It returns io.EOF when the input ends before a
// frame begins, and a ProtocolError for everything that is no whole, unharmed
// frame.
func readFrame(r io.Reader) (frame, error) {
	var h [headerSize]byte
	n, err := io.ReadFull(r, h[:])
	switch {
	case n >= 2 && (h[0] != magic0 || h[1] != magic1):
		return frame{}, &notOursError{ProtocolError{"bad frame: it does not begin as one of ours"}, h[:n]}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return frame{}, protocolf("the input ended inside of a header")
	case err != nil:
		return frame{}, err
	case checksum(h[:16]) != binary.BigEndian.Uint32(h[16:]):
		return frame{}, protocolf("the header's checksum is wrong")
	}
	f := frame{kind: kind(h[2]), flags: h[3], call: binary.BigEndian.Uint32(h[4:])}
	length := binary.BigEndian.Uint32(h[8:])
	switch {
	case f.kind == 0 || f.kind >= kindEnd:
		return frame{}, protocolf("unknown %v", f.kind)
	case f.flags >= flagEnd:
		return frame{}, protocolf("unknown flags %#x", f.flags)
	case length > maxPayload:
		return frame{}, protocolf("%d bytes are more than the %d that a frame may have", length, maxPayload)
	}
	f.payload = make([]byte, length)
	switch _, err := io.ReadFull(r, f.payload); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return frame{}, protocolf("the input ended inside of a frame")
	case err != nil:
		return frame{}, err
	case checksum(f.payload) != binary.BigEndian.Uint32(h[12:]):
		return frame{}, protocolf("the payload's checksum is wrong")
	}
	return f, nil
}
