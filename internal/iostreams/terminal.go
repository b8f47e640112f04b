package iostreams

import (
	"fmt"

	"golang.org/x/term"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Raw puts the terminal behind In into raw mode, so that every key reaches the
// reader; the returned function puts it back and may be called twice.
func (s *IOStreams) Raw() (restore func(), err error) {
	if s.in == nil || !s.inTTY {
		return func() {}, nil
	}
	fd := int(s.in.Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("terminal: raw mode: %w", err)
	}
	return func() { _ = term.Restore(fd, old) }, nil
}

// Size returns the size of the terminal behind Out, 80 by 24 when it does not
// tell.
func (s *IOStreams) Size() api.Size {
	if s.out != nil {
		if w, h, err := term.GetSize(int(s.out.Fd())); err == nil && w > 0 && h > 0 {
			return api.Size{Width: w, Height: h}
		}
	}
	return api.Size{Width: s.Width(), Height: 24}
}
