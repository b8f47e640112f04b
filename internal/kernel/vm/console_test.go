package vm

import (
	"strings"
	"testing"
)

func TestReason(t *testing.T) {
	for _, tt := range []struct{ said, want string }{
		{"", ""},
		{"[    0.1] a line\r\n[    0.2] the last\r\n\n", "the last"},
		{"[    1.8] Kernel panic - not syncing: VFS\r\n[    1.9] Call Trace:\r\n", "Kernel panic - not syncing: VFS"},
		{"\x1b[31merror:\x1b[0m no such thing\n[  2.0] Kernel panic - not syncing: Attempted to kill init!\n", "error: no such thing"},
		{"qemu-system-x86_64: -accel kvm: failed\n", "qemu-system-x86_64: -accel kvm: failed"},
		{"panic: nil map\n\ngoroutine 1\nebpfdev init: /init ended\n", "panic: nil map"},
		{"[ 0.5] usb: error: nothing that ends a boot\n[ 0.6] x\n", "x"},
	} {
		c := newConsole()
		_, _ = c.Write([]byte(tt.said))
		if got := c.reason(); got != tt.want {
			t.Errorf("%q: reason = %q, want %q", tt.said, got, tt.want)
		}
	}
}

func TestConsoleIsBounded(t *testing.T) {
	c := newConsole()
	_, _ = c.Write([]byte("the beginning\n"))
	for range 100 {
		_, _ = c.Write([]byte(strings.Repeat("x", 10_000)))
	}
	_, _ = c.Write([]byte("\nthe end"))
	text := c.String()
	if len(text) > 2*consoleHalf+200 || !strings.HasPrefix(text, "the beginning") || !strings.HasSuffix(text, "the end") ||
		!strings.Contains(text, "left out") {
		t.Errorf("%d bytes: %.20q … %.20q", len(text), text, text[len(text)-20:])
	}
}
