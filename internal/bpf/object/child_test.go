package object

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestHeadIsBounded copies in the way that a child's error output is copied.
func TestHeadIsBounded(t *testing.T) {
	w := &headWriter{limit: 100}
	n, err := io.Copy(w, iotest.HalfReader(strings.NewReader(strings.Repeat("x", 1<<20))))
	if err != nil || n != 1<<20 {
		t.Fatal(n, err)
	}
	if w.buf.Len() != 100 {
		t.Errorf("%d bytes were kept, not 100", w.buf.Len())
	}
}
