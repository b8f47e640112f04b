package doctor

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestHeldBack(t *testing.T) {
	for _, n := range []int{0, 1, tarEnd - 1, tarEnd, tarEnd + 1, 10*tarEnd + 7} {
		want := bytes.Repeat([]byte("0123456"), n/7+1)[:n]
		got, err := io.ReadAll(newHeldBack(bytes.NewReader(want)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d, %v", n, len(got), err)
		}
		broken := errors.New("broken")
		got, err = io.ReadAll(newHeldBack(io.MultiReader(bytes.NewReader(want), iotest.ErrReader(broken))))
		if !errors.Is(err, broken) || len(got) > max(0, n-tarEnd) {
			t.Errorf("of %d bytes %d came before the error %v", n, len(got), err)
		}
	}
}
