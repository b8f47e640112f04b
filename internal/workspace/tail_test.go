package workspace

import (
	"bytes"
	"io"
	"testing"
)

// TestTailIsBounded copies in the way that a command's output is copied.
func TestTailIsBounded(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 3*maxOutput))
		_, err := w.Write([]byte("end"))
		w.CloseWithError(err)
	}()
	var out tail
	if _, err := io.Copy(&out, r); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); len(got) != maxOutput || got[len(got)-3:] != "end" {
		t.Errorf("%d bytes were kept, not %d", len(got), maxOutput)
	}
}
