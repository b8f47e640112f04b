package kernel

import "testing"

func TestNeedsWide(t *testing.T) {
	for series, want := range map[string]bool{"5.10": false, "6.18": false, "7.0": true, "7.3": true, "10.1": true, "": false} {
		if got := needsWide(series); got != want {
			t.Errorf("%q: %v, want %v", series, got, want)
		}
	}
}
