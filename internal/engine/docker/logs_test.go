package docker

import (
	"slices"
	"strings"
	"testing"
)

func TestLineWriter(t *testing.T) {
	var got []string
	w := &lineWriter{emit: func(s string) error { got = append(got, s); return nil }}
	for _, p := range []string{"a", "b\nc\r\n", "\n", strings.Repeat("x", maxLogLine+1), "\nend"} {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"ab", "c", "", strings.Repeat("x", maxLogLine), "x", "end"}; !slices.Equal(got, want) {
		t.Errorf("got %d lines", len(got))
	}
}
