package cli

import (
	"slices"
	"testing"
)

func TestReturnInWords(t *testing.T) {
	for _, tt := range []struct {
		kind string
		ret  uint32
		want string
	}{
		{"xdp", 2, "XDP_PASS"}, {"xdp", 9, ""}, {"sched_cls", 0xffffffff, "TC_ACT_UNSPEC"}, {"tracepoint", 0, ""},
	} {
		if got := returnInWords(tt.kind, tt.ret); got != tt.want {
			t.Errorf("%s %d: %q, want %q", tt.kind, tt.ret, got, tt.want)
		}
	}
}

func TestChanged(t *testing.T) {
	for _, tt := range []struct {
		before, after string
		want          []string
	}{
		{"abc", "abc", nil},
		{"abc", "", nil},
		{"abcdef", "aXYdeZ", []string{"0x1: 62 63 -> 58 59", "0x5: 66 -> 5a"}},
		{"abc", "abcde", []string{"2 bytes longer"}},
		{"abc", "b", []string{"0x0: 61 -> 62", "2 bytes shorter"}},
	} {
		if got := changed([]byte(tt.before), []byte(tt.after)); !slices.Equal(got, tt.want) {
			t.Errorf("%q to %q: %q, want %q", tt.before, tt.after, got, tt.want)
		}
	}
}

func TestCounted(t *testing.T) {
	if got := counted(map[string]int{"1 XDP_DROP": 2, "2 XDP_PASS": 10, "0": 2}); got != "2 XDP_PASS: 10, 0: 2, 1 XDP_DROP: 2" {
		t.Errorf("got %q", got)
	}
}
