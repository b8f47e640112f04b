package tui

import (
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/apitest"
)

func TestShot(t *testing.T) {
	for _, s := range [][2]int{{80, 24}, {160, 50}} {
		d := drive(t, apitest.NewFake(), s[0], s[1])
		d.see("1003")
		t.Log("\n" + d.screen())
		d.press("3")
		d.see("e edit")
		t.Log("\n" + d.screen())
	}
}
