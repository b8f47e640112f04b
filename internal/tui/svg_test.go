package tui

import (
	"encoding/xml"
	"fmt"
	"image/color"
	"strings"

	"github.com/charmbracelet/x/ansi"

	uv "github.com/charmbracelet/ultraviolet"
)

// The cells of a picture, in pixels, and what the terminal's own colours are.
const (
	cellW, cellH = 8.4, 18
	margin       = 14
	fontSize     = 14
	paper, ink   = "#16181d", "#d7dae0"
)

// svg draws a screen as a picture. Each run of cells of one style is one text
// with its length given, so that columns line up in whatever font is there.
func svg(content, caption string, w, h int) string {
	screen := uv.NewScreenBuffer(w, h)
	screen.Method = ansi.GraphemeWidth
	uv.NewStyledString(content).Draw(screen, uv.Rect(0, 0, w, h))
	width, height := float64(w)*cellW+2*margin, float64(h*cellH+2*margin)

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.1f %.1f" role="img" aria-label=%q>`+"\n", width, height, caption)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", paper)
	fmt.Fprintf(&b, `<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="%d" fill="%s" style="white-space:pre;font-variant-ligatures:none">`+"\n", fontSize, ink)
	for y := range h {
		for x := 0; x < w; {
			text, style, end := run(screen, x, y, w)
			fmt.Fprint(&b, drawRun(text, style, x, y, end-x))
			x = end
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// run returns the text of the cells from x on that have one style, and where
// they end. Frames are runs of their own: their length must not stretch words.
func run(screen uv.ScreenBuffer, x, y, w int) (text string, style uv.Style, end int) {
	style = screen.CellAt(x, y).Style
	frame := isFrame(screen.CellAt(x, y).Content)
	for end = x; end < w; {
		c := screen.CellAt(end, y)
		if !c.Style.Equal(&style) || isFrame(c.Content) != frame {
			break
		}
		text += c.Content
		end += max(c.Width, 1)
	}
	return text, style, end
}

func isFrame(s string) bool { return s != "" && strings.ContainsAny(s, "╭╮╰╯─│├└") }

// drawRun draws the background and the text of one run of n cells.
func drawRun(text string, style uv.Style, x, y, n int) string {
	var b strings.Builder
	left, top := margin+float64(x)*cellW, margin+float64(y*cellH)
	if style.Bg != nil {
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>`+"\n", left, top, float64(n)*cellW, cellH, hex(style.Bg))
	}
	colour := ink
	if style.Fg != nil {
		colour = hex(style.Fg)
	}
	if isFrame(text) {
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s"/>`+"\n", framePath(text, left, top), colour)
		return b.String()
	}
	attrs := ""
	if colour != ink {
		attrs += fmt.Sprintf(` fill="%s"`, colour)
	}
	if style.Attrs&uv.AttrBold != 0 {
		attrs += ` font-weight="bold"`
	}
	for _, w := range words(text) {
		var escaped strings.Builder
		_ = xml.EscapeText(&escaped, []byte(w.text)) // a Builder takes everything
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
			left+float64(w.at)*cellW, top+13.5, float64(ansi.StringWidth(w.text))*cellW, attrs, escaped.String())
	}
	return b.String()
}

type word struct {
	text string
	at   int // cells before it
}

// words splits a text where two spaces follow each other: some renderers make
// them one.
func words(text string) []word {
	var out []word
	at := 0
	for part := range strings.SplitSeq(text, "  ") {
		trimmed := strings.TrimLeft(part, " ")
		start := at + len(part) - len(trimmed)
		if trimmed = strings.TrimRight(trimmed, " "); trimmed != "" {
			out = append(out, word{trimmed, start})
		}
		at += ansi.StringWidth(part) + 2
	}
	return out
}

// framePath draws the characters of frames as lines, which meet in any font.
func framePath(text string, left, top float64) string {
	const w, h, r = cellW, float64(cellH), 3.5
	var b strings.Builder
	line := func(format string, at ...any) { fmt.Fprintf(&b, format, at...) }
	for _, c := range text {
		x, y := left+w/2, top+h/2
		switch c {
		case '─':
			line("M%.1f %.1fh%.1f", left, y, w)
		case '│':
			line("M%.1f %.1fv%.1f", x, top, h)
		case '├':
			line("M%.1f %.1fv%.1fM%.1f %.1fh%.1f", x, top, h, x, y, w/2)
		case '└':
			line("M%.1f %.1fV%.1fh%.1f", x, top, y, w/2)
		case '╭':
			line("M%.1f %.1fV%.1fq0 %.1f %.1f %.1fH%.1f", x, top+h, y+r, -r, r, -r, left+w)
		case '╮':
			line("M%.1f %.1fV%.1fq0 %.1f %.1f %.1fH%.1f", x, top+h, y+r, -r, -r, -r, left)
		case '╰':
			line("M%.1f %.1fV%.1fq0 %.1f %.1f %.1fH%.1f", x, top, y-r, r, r, r, left+w)
		case '╯':
			line("M%.1f %.1fV%.1fq0 %.1f %.1f %.1fH%.1f", x, top, y-r, r, -r, r, left)
		}
		left += w
	}
	return b.String()
}

func hex(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
