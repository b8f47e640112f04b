package tui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// helpDialog shows the key table. Letters narrow it.
type helpDialog struct {
	input textinput.Model
	at    scroll
}

func newHelp() *helpDialog {
	return &helpDialog{input: newInput(""), at: scroll{start: true}}
}

func (d *helpDialog) place() place { return placeHelp }

func (d *helpDialog) paste(text string) {
	d.input, _ = d.input.Update(tea.PasteMsg{Content: text})
}

func (d *helpDialog) key(a *app, msg tea.KeyPressMsg) (dialog, tea.Cmd) {
	do := a.keys.action(msg, placeHelp)
	if do == actCancel {
		return nil, nil
	}
	lines, rows := len(d.lines(a)), max(a.h-8, 1)
	if !d.at.move(do, lines, rows) && !d.at.move(a.pageKey(msg), lines, rows) {
		d.input, _ = d.input.Update(msg) // the command only blinks
		d.at.top = 0
	}
	return d, nil
}

// pageKey returns the movement of a key that is no letter.
func (a *app) pageKey(msg tea.KeyPressMsg) action {
	if msg.Text != "" {
		return ""
	}
	return a.keys.action(msg, placeMove)
}

func (d *helpDialog) lines(a *app) []string {
	t := a.theme
	search := strings.ToLower(d.input.Value())
	var lines []string
	var heading place
	for _, b := range a.keys.binds {
		h := b.Help()
		if !strings.Contains(strings.ToLower(string(b.where)+" "+h.Key+" "+h.Desc), search) {
			continue
		}
		if b.where != heading {
			if heading != "" {
				lines = append(lines, "")
			}
			heading = b.where
			lines = append(lines, t.Bold.Render(string(heading)))
		}
		lines = append(lines, "  "+t.Key.Render(t.Fit(shown(h.Key, t), 11))+h.Desc)
	}
	return lines
}

// shown writes a key's name with the glyphs of the theme.
func shown(name string, t draw.Theme) string {
	return strings.NewReplacer("↑", t.Glyphs.Up, "↓", t.Glyphs.Down).Replace(name)
}

func (d *helpDialog) view(a *app, w, h int) []string {
	t := a.theme
	width := min(w-4, 76)
	lines := d.lines(a)
	rows := max(min(len(lines), h-4), 1)
	body := []string{t.Key.Render(" search ") + t.Input(d.input.Value(), d.input.Position(), width-12), ""}
	if len(lines) == 0 {
		body = append(body, " no key does that")
	}
	for _, l := range d.at.window(lines, rows) {
		body = append(body, " "+l)
	}
	note := "ebpfdev " + draw.Clean(a.opt.Version)
	if first := d.at.first(len(lines), rows); len(lines) > rows {
		note = fmt.Sprintf("%d to %d of %d", first+1, first+rows, len(lines))
	}
	return t.Box(draw.Frame{Title: "help", Note: note, Foot: a.footKeys(placeHelp), Focused: true},
		body, width, min(rows+4, h))
}
