package iostreams

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

func TestColor(t *testing.T) {
	tests := []struct {
		name string
		tty  bool
		env  []string
		want bool
	}{
		{"pipe", false, nil, false},
		{"terminal", true, nil, true},
		{"NO_COLOR", true, []string{"NO_COLOR=0"}, false},
		{"empty NO_COLOR", true, []string{"NO_COLOR="}, true},
		{"NO_COLOR beats CLICOLOR_FORCE", true, []string{"NO_COLOR=1", "CLICOLOR_FORCE=1"}, false},
		{"CLICOLOR_FORCE in a pipe", false, []string{"CLICOLOR_FORCE=1"}, true},
		{"CLICOLOR_FORCE=0", false, []string{"CLICOLOR_FORCE=0"}, false},
		{"CLICOLOR=0", true, []string{"CLICOLOR=0"}, false},
		{"dumb", true, []string{"TERM=dumb"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _, _, _ := Test(tt.env...)
			s.SetTTY(tt.tty, tt.tty, tt.tty, 0)
			if got := s.OutColor(); got != tt.want {
				t.Errorf("OutColor() = %v, want %v", got, tt.want)
			}
			if got := s.ErrColor(); got != tt.want {
				t.Errorf("ErrColor() = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestEnvTakesTheLastValue(t *testing.T) {
	s, _, _, _ := Test("A=1", "B=", "A=2")
	if v, ok := s.Env("A"); !ok || v != "2" {
		t.Errorf("A = %q, %v", v, ok)
	}
	if v, ok := s.Env("B"); !ok || v != "" {
		t.Errorf("B = %q, %v", v, ok)
	}
	if _, ok := s.Env("C"); ok {
		t.Error("C is set")
	}
}

func TestAccessible(t *testing.T) {
	for env, want := range map[string]bool{
		"ACCESSIBLE=1": true, "ACCESSIBLE=0": false, "TERM=dumb": true, "TERM=xterm": false,
	} {
		s, _, _, _ := Test(env)
		if got := s.Accessible(); got != want {
			t.Errorf("%s: Accessible() = %v, want %v", env, got, want)
		}
	}
}

func TestWidthWithoutTerminal(t *testing.T) {
	s, _, _, _ := Test()
	if got := s.Width(); got != 80 {
		t.Errorf("Width() = %d, want 80", got)
	}
	s.SetTTY(true, true, true, 132)
	if got := s.Width(); got != 132 {
		t.Errorf("Width() = %d, want 132", got)
	}
}

func TestClosedOutputIsReportedOnce(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()

	calls := 0
	s := &IOStreams{Broken: func() { calls++ }}
	out := &watchedWriter{w: w, failed: s.outFailed}
	for range 2 {
		if _, err := io.WriteString(out, "x"); !errors.Is(err, syscall.EPIPE) {
			t.Fatalf("write: %v, want EPIPE", err)
		}
	}
	if calls != 1 {
		t.Errorf("Broken was called %d times, want once", calls)
	}
	if !s.OutClosed() {
		t.Error("OutClosed() = false")
	}
}
