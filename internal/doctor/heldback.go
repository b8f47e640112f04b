package doctor

import (
	"bufio"
	"errors"
	"io"
)

// tarEnd is more than the end of any tar: two blocks of zeros, filled up to
// tar's record of 10 KiB.
const tarEnd = 64 << 10

// heldBack passes a tar on and keeps its end until the writer has ended well.
// An engine that has seen the end makes the image, whatever comes after.
type heldBack struct{ r *bufio.Reader }

func newHeldBack(r io.Reader) heldBack { return heldBack{bufio.NewReaderSize(r, 4*tarEnd)} }

// Read returns what cannot be the end, or the end once there is nothing more.
func (h heldBack) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	_, err := h.r.Peek(tarEnd + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	n := h.r.Buffered()
	if err == nil {
		n -= tarEnd
	}
	if n == 0 {
		return 0, io.EOF // Peek has taken the reader's own
	}
	return h.r.Read(p[:min(n, len(p))])
}
