package tui

import (
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// attachment says where the next load attaches programs whose section does not
// say it: "count_packets=veth0,generic", several with spaces between.
type attachment struct {
	text    string
	options []api.AttachOption
}

// parseAttachment reads PROGRAM=TARGET[,MODE]. The second result is what is
// wrong, or "".
func parseAttachment(text string) (attachment, string) {
	a := attachment{text: strings.TrimSpace(text)}
	for _, spec := range strings.Fields(text) {
		o, ok := api.ParseAttach(spec)
		if !ok {
			return attachment{}, spec + " is not of the form PROGRAM=TARGET[,MODE]"
		}
		a.options = append(a.options, o)
	}
	return a, ""
}

// flags are the same as flags of a command.
func (a attachment) flags() []string {
	var out []string
	for _, spec := range strings.Fields(a.text) {
		out = append(out, "--attach", spec)
	}
	return out
}

// attachDialog asks for an attachment.
type attachDialog struct {
	input textinput.Model
	wrong string
}

func newAttachDialog(text string) *attachDialog { return &attachDialog{input: newInput(text)} }

func (d *attachDialog) place() place { return placeAttach }

func (d *attachDialog) paste(text string) {
	d.input, _ = d.input.Update(tea.PasteMsg{Content: text})
}

func (d *attachDialog) key(a *app, msg tea.KeyPressMsg) (dialog, tea.Cmd) {
	switch a.keys.action(msg, placeAttach) {
	case actCancel:
		return nil, nil
	case actAccept:
		attach, wrong := parseAttachment(d.input.Value())
		if d.wrong = wrong; wrong != "" {
			return d, nil
		}
		a.attach = attach
		a.notice = "kept; l loads with it, r runs with it"
		return nil, nil
	}
	d.input, _ = d.input.Update(msg) // the command only blinks
	return d, nil
}

func (d *attachDialog) view(a *app, w, h int) []string {
	t := a.theme
	width := min(w-4, 76)
	lines := []string{
		" XDP and TC programs need an interface, cgroup programs a cgroup:", "",
		" " + t.Glyphs.Selected + " " + t.Input(d.input.Value(), d.input.Position(), width-6), "",
		t.Dim.Render(" PROGRAM=TARGET[,MODE], such as *=lo,generic"),
	}
	if d.wrong != "" {
		lines = append(lines, " "+t.Fail.Render(t.Glyphs.Fail+" "+draw.Clean(d.wrong)))
	}
	return t.Box(draw.Frame{Title: "attach to", Foot: a.footKeys(placeAttach), Focused: true}, lines, width, min(len(lines)+2, h))
}
