//go:build kernel

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// pane is a shell in a terminal multiplexer of its own.
type pane struct {
	t      *testing.T
	socket string
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", p.socket, "-f", "/dev/null"}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (p *pane) press(keys ...string) { p.tmux(append([]string{"send-keys", "-t", "tui"}, keys...)...) }

func (p *pane) screen() string { return p.tmux("capture-pane", "-p", "-t", "tui") }

// see waits for a text; do is done again and again until then.
func (p *pane) see(text string, do ...func()) {
	p.t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for !strings.Contains(p.screen(), text) {
		for _, f := range do {
			f()
		}
		select {
		case <-again.C:
		case <-limit.C:
			p.t.Fatalf("never showed %q:\n%s", text, p.screen())
		}
	}
}

// TestInATerminal uses the program as a person does, on this machine's kernel.
func TestInATerminal(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "terminal_test", Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 8})
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.Put([]byte{0xca, 0xfe, 0x00, 0x01}, []byte{0xbe, 0xef, 0x00, 0x02}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "ebpfdev")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	p := &pane{t: t, socket: filepath.Join(dir, "tmux")}
	p.tmux("new-session", "-d", "-s", "tui", "-x", "80", "-y", "24", "-c", dir, "env PS1='ready> ' LANG=C.UTF-8 sh")
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", p.socket, "kill-server").Run() })
	p.see("ready>")
	p.press("stty -g > before; clear", "Enter")
	p.press(program+" --target local; stty -g > after; echo ended $?", "Enter")
	p.see("2 maps")
	p.press("2")
	p.see("ca fe 00 01", func() { p.press("G") }) // a new map is the last one, until others make more
	p.see("33615806")
	p.press("?")
	p.see("search")
	for _, size := range [][2]int{{40, 10}, {200, 60}, {20, 5}, {61, 15}, {80, 24}} {
		p.tmux("resize-window", "-t", "tui", "-x", fmt.Sprint(size[0]), "-y", fmt.Sprint(size[1]))
	}
	p.see("search")
	p.press("F1")
	p.see("ca fe 00 01", func() { p.press("G") })
	p.press("C-z")
	p.see("Stopped")
	p.press("fg", "Enter")
	p.see("ca fe 00 01")
	p.press("q")
	p.see("ended 0")
	if text := p.tmux("display-message", "-p", "-t", "tui", "#{alternate_on} #{cursor_flag}"); strings.TrimSpace(text) != "0 1" {
		t.Errorf("alternate screen and cursor are %q", text)
	}
	before, errBefore := os.ReadFile(filepath.Join(dir, "before"))
	after, errAfter := os.ReadFile(filepath.Join(dir, "after"))
	if errBefore != nil || errAfter != nil || string(before) != string(after) {
		t.Errorf("the terminal's mode was %q (%v), is %q (%v)", before, errBefore, after, errAfter)
	}
}
