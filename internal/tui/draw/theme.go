// Package draw turns text into lines of cells: it measures, cuts, pads, frames
// and colours, and knows nothing of what the text is about.
//
// Every function that takes a width returns lines of exactly that many cells,
// whatever it was given. Text from outside goes through Clean or Paragraph.
package draw

import (
	"image/color"

	"charm.land/lipgloss/v2"
)

// Scheme is a set of colours.
type Scheme int

// The schemes.
const (
	Dark  Scheme = iota // light text on a dark background
	Light               // dark text on a light background
	Mono                // no colour: bold, faint and reversed text only
)

// Glyphs are the characters that frames and marks are made of.
type Glyphs struct {
	TopLeft, TopRight, BottomLeft, BottomRight string
	Horizontal, Vertical                       string
	Selected, Running, OK, Fail, Warn, None    string
	Branch, Last, Bar                          string
	Ellipsis, Arrow, Times                     string
	Enter, Up, Down, Right                     string
}

// Unicode returns the glyphs for terminals in a UTF-8 locale.
func Unicode() Glyphs {
	return Glyphs{
		TopLeft: "╭", TopRight: "╮", BottomLeft: "╰", BottomRight: "╯", Horizontal: "─", Vertical: "│",
		Selected: "▸", Running: "●", OK: "✓", Fail: "✗", Warn: "!", None: "○",
		Branch: "├", Last: "└", Bar: "│", Ellipsis: "…", Arrow: "→", Times: "×",
		Enter: "⏎", Up: "▲", Down: "▼", Right: "›",
	}
}

// ASCII returns glyphs that every terminal has.
func ASCII() Glyphs {
	return Glyphs{
		TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+", Horizontal: "-", Vertical: "|",
		Selected: ">", Running: "*", OK: "+", Fail: "x", Warn: "!", None: "o",
		Branch: "|", Last: "`", Bar: "|", Ellipsis: "~", Arrow: "->", Times: "x",
		Enter: "enter", Up: "^", Down: "v", Right: ">",
	}
}

// Theme is how things look. It is a plain value.
type Theme struct {
	Glyphs Glyphs

	Text, Dim, Bold        lipgloss.Style
	Accent, OK, Warn, Fail lipgloss.Style
	Key                    lipgloss.Style // a key in a hint
	Bar                    lipgloss.Style // header and footer
	Selected, Marked       lipgloss.Style // the row under the cursor, in the focused pane and elsewhere
	Border, BorderFocused  lipgloss.Style
	Title, TitleFocused    lipgloss.Style
}

// palette holds the colours of a scheme; nil for the terminal's own.
type palette struct {
	dim, accent, ok, warn, fail, border, selected, marked, bar color.Color
}

// NewTheme returns the theme of a scheme.
func NewTheme(scheme Scheme, glyphs Glyphs) Theme {
	switch scheme {
	case Light:
		return colours(glyphs, palette{
			dim: lipgloss.Color("243"), accent: lipgloss.Color("25"), ok: lipgloss.Color("28"),
			warn: lipgloss.Color("130"), fail: lipgloss.Color("124"), border: lipgloss.Color("250"),
			selected: lipgloss.Color("153"), marked: lipgloss.Color("254"), bar: lipgloss.Color("254"),
		})
	case Mono:
		return mono(glyphs)
	default:
		return colours(glyphs, palette{
			dim: lipgloss.Color("245"), accent: lipgloss.Color("81"), ok: lipgloss.Color("78"),
			warn: lipgloss.Color("221"), fail: lipgloss.Color("203"), border: lipgloss.Color("240"),
			selected: lipgloss.Color("24"), marked: lipgloss.Color("237"), bar: lipgloss.Color("236"),
		})
	}
}

func colours(glyphs Glyphs, p palette) Theme {
	plain := lipgloss.NewStyle()
	return Theme{
		Glyphs: glyphs,
		Text:   plain, Dim: plain.Foreground(p.dim), Bold: plain.Bold(true),
		Accent: plain.Foreground(p.accent), OK: plain.Foreground(p.ok),
		Warn: plain.Foreground(p.warn), Fail: plain.Foreground(p.fail).Bold(true),
		Key: plain.Foreground(p.accent).Bold(true), Bar: plain.Background(p.bar),
		Selected: plain.Background(p.selected).Bold(true), Marked: plain.Background(p.marked),
		Border: plain.Foreground(p.border), BorderFocused: plain.Foreground(p.accent),
		Title: plain.Foreground(p.dim), TitleFocused: plain.Foreground(p.accent).Bold(true),
	}
}

func mono(glyphs Glyphs) Theme {
	plain := lipgloss.NewStyle()
	bold := plain.Bold(true)
	return Theme{
		Glyphs: glyphs,
		Text:   plain, Dim: plain.Faint(true), Bold: bold,
		Accent: bold, OK: plain, Warn: bold, Fail: bold, Key: bold, Bar: plain,
		Selected: plain.Reverse(true), Marked: plain.Underline(true),
		Border: plain.Faint(true), BorderFocused: bold, Title: plain, TitleFocused: bold,
	}
}
