package deb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// arMagic begins an ar archive.
const arMagic = "!<arch>\n"

// arHeader is the size of the header of a member, in bytes: name 16, time 12,
// owner 6, group 6, mode 8, size 10, end mark 2.
const arHeader = 60

// arReader reads the members of an ar archive, one after the other.
type arReader struct {
	r    io.Reader
	left int64 // bytes of the present member that were not read
	odd  bool  // a byte of padding follows it
}

func newArReader(r io.Reader) (*arReader, error) {
	magic := make([]byte, len(arMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != arMagic {
		return nil, errors.New("no Debian package: it is no ar archive")
	}
	return &arReader{r: r}, nil
}

// next goes to the next member and returns its name; io.EOF after the last one.
func (a *arReader) next() (string, error) {
	skip := a.left
	if a.odd {
		skip++
	}
	if _, err := io.CopyN(io.Discard, a.r, skip); err != nil {
		return "", fmt.Errorf("the package ends early: %w", noEOF(err))
	}
	a.left, a.odd = 0, false
	header := make([]byte, arHeader)
	if _, err := io.ReadFull(a.r, header); err == io.EOF {
		return "", io.EOF
	} else if err != nil {
		return "", fmt.Errorf("the package ends early: %w", err)
	}
	if !bytes.Equal(header[58:], []byte("`\n")) {
		return "", errors.New("the package has a member without a header")
	}
	size, err := strconv.ParseInt(strings.TrimRight(string(header[48:58]), " "), 10, 64)
	if err != nil || size < 0 {
		return "", fmt.Errorf("the package has a member of %q bytes", header[48:58])
	}
	a.left, a.odd = size, size%2 == 1
	return strings.TrimSuffix(strings.TrimRight(string(header[:16]), " "), "/"), nil
}

// Read reads the present member.
func (a *arReader) Read(p []byte) (int, error) {
	if a.left == 0 {
		return 0, io.EOF
	}
	n, err := a.r.Read(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	if a.left > 0 {
		err = noEOF(err)
	}
	return n, err
}

// noEOF turns an end of input that is no good end into an error that says so.
func noEOF(err error) error {
	if err == io.EOF { //nolint:errorlint // a Reader returns this value itself
		return io.ErrUnexpectedEOF
	}
	return err
}
