package draw_test

import (
	"strings"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

func theme() draw.Theme { return draw.NewTheme(draw.Dark, draw.Unicode()) }

func TestFitIsExact(t *testing.T) {
	red := lipgloss.NewStyle().Foreground(lipgloss.Color("9"))
	for _, s := range []string{"", "a", "日本語", "e\u0301e\u0301", red.Render("coloured 日本"), strings.Repeat("x", 50)} {
		for w := range 20 {
			if got := draw.Width(theme().Fit(s, w)); got != w {
				t.Errorf("Fit(%q, %d) takes %d cells", s, w, got)
			}
			if got := draw.Width(theme().FitLeft(s, w)); got != w {
				t.Errorf("FitLeft(%q, %d) takes %d cells", s, w, got)
			}
			if got := draw.Width(theme().Input(s, 3, w)); got != w && !strings.Contains(s, "\x1b") {
				t.Errorf("Input(%q, %d) takes %d cells", s, w, got)
			}
			if got := draw.Width(theme().Ends(s, "right", w)); got != w {
				t.Errorf("Ends(%q, %d) takes %d cells", s, w, got)
			}
		}
	}
}

func TestCleanEscapesWhatTerminalsMeasureDifferently(t *testing.T) {
	for in, want := range map[string]string{
		"plain":      "plain",
		"日本語":        "日本語",
		"a\x1b[31mb": `a\x1b[31mb`,
		"👍🏽 ok":      `\U0001f44d\U0001f3fd ok`,
	} {
		if got := draw.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrapKeepsWordsAndWidth(t *testing.T) {
	got := draw.Wrap("ebpfdev new my-probe --template ebpf-go averyveryverylongword", 20)
	want := []string{"ebpfdev new my-probe", "--template ebpf-go", "averyveryverylongwor", "d"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q", got)
	}
	for _, l := range draw.Wrap(strings.Repeat("宽", 30), 7) {
		if draw.Width(l) > 7 {
			t.Errorf("%q is too wide", l)
		}
	}
}

func TestLayoutDropsColumnsFromTheRight(t *testing.T) {
	columns := []draw.Column{{Title: "A"}, {Title: "B", Width: 10}, {Title: "C", Width: 10}}
	for w, n := range map[int]int{40: 3, 20: 2, 5: 1} {
		got := draw.Layout(columns, w)
		if len(got) != n {
			t.Errorf("%d cells have %d columns, want %d", w, len(got), n)
		}
		if row := theme().Row(got, []string{"x", "y", "z"}); draw.Width(row) != w {
			t.Errorf("a row takes %d cells, want %d", draw.Width(row), w)
		}
	}
}

func TestBoxAndStateAreExact(t *testing.T) {
	s := draw.State{Mood: draw.Failed, Title: "It broke.", Text: strings.Repeat("long cause ", 30), Hint: "ebpfdev doctor"}
	for w := 1; w < 60; w += 3 {
		for h := 1; h < 12; h++ {
			lines := theme().Box(draw.Frame{Title: "a title", Note: "a note", Foot: "a foot"}, theme().State(s, w-2, h-2), w, h)
			if len(lines) != h {
				t.Errorf("%dx%d: %d lines", w, h, len(lines))
			}
			for _, l := range lines {
				if draw.Width(l) != w {
					t.Errorf("%dx%d: %q takes %d", w, h, l, draw.Width(l))
				}
			}
		}
	}
	if got := strings.Join(theme().State(s, 40, 4), "\n"); !strings.Contains(got, "ebpfdev doctor") {
		t.Errorf("the hint was cut: %s", got)
	}
}
