package tui

import (
	"errors"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// editDialog changes one entry: first a form, then a preview of before and
// after, then the edit as a compare-and-set.
type editDialog struct {
	m      api.Map
	op     api.EditOp
	add    bool            // a new entry: the key is asked for too
	name   textinput.Model // the key
	value  textinput.Model
	onKey  bool // the key has the focus
	stage  editStage
	change api.Change // what the preview found
	err    error
	note   string // above the preview, when the entry changed meanwhile
	serial int    // of the last question to the target
	line   string // the command that does the same
}

type editStage int

const (
	stageForm editStage = iota
	stageAsking
	stageReview
	stageApplying
)

// dialogMsg is an answer to a dialog.
type dialogMsg interface{ dialog() }

type editMsg struct {
	serial int
	dry    bool
	result api.EditResult
	err    error
}

func (editMsg) dialog() {}

func newInput(value string) textinput.Model {
	in := textinput.New()
	in.Prompt = ""
	in.SetValue(value)
	in.CursorEnd()
	in.Focus()
	return in
}

// editable returns why a map's entries cannot be changed, or "".
func editable(m api.Map) string {
	switch {
	case m.ID == 0:
		return "no map is selected"
	case m.Frozen:
		return "the map is frozen: user space cannot change it"
	case !m.Readable:
		return "the entries of a " + m.Type + " map cannot be changed one by one"
	default:
		return ""
	}
}

// editEntry opens the dialog for an edit, an addition or a deletion.
func (a *app) editEntry(do action) tea.Cmd {
	m := a.entries.m
	if why := editable(m); why != "" {
		a.notice = why
		return nil
	}
	if a.service() == nil {
		a.notice = "not connected: edits wait until the target is back"
		return nil
	}
	d := &editDialog{m: m, op: api.EditSet, add: do == actAdd, name: newInput(""), value: newInput("")}
	d.onKey = d.add
	if do != actAdd {
		e, ok := a.entries.selected()
		if !ok {
			a.notice = "no entry is selected"
			return nil
		}
		d.name, d.value = newInput(editText(e.Key)), newInput(editText(e.Value))
	}
	a.dialog = d
	if do == actDelete {
		d.op = api.EditDelete
		return d.ask(a, nil, true)
	}
	return nil
}

// editText is a datum in a form that an edit takes and that shows every byte.
func editText(d api.Datum) string {
	if len(d.JSON) > 0 {
		return asciiJSON(d.JSON)
	}
	return "hex:" + d.Raw.String()
}

// edit is what the form says.
func (d *editDialog) edit() api.Edit {
	e := api.Edit{Op: d.op, Key: d.name.Value()}
	if d.op == api.EditSet {
		e.Value = d.value.Value()
	}
	return e
}

// ask sends the edit to the target: dry for the preview, then for good.
func (d *editDialog) ask(a *app, expect *api.Hex, dry bool) tea.Cmd {
	s := a.service()
	if s == nil {
		d.err = a.conn.err
		return nil
	}
	d.serial++
	d.stage, d.err = stageAsking, nil
	e := d.edit()
	e.Expect = expect
	args := []string{"map", string(e.Op), d.m.Name, e.Key, e.Value}
	if !dry {
		d.stage = stageApplying
	}
	d.line = cli(append(args, on(a.conn.target)...)...)
	ctx, serial := a.conn.ctx, d.serial
	req := api.EditRequest{Map: api.MapRef{ID: d.m.ID}, Edits: []api.Edit{e}, DryRun: dry}
	return func() tea.Msg {
		res, err := s.EditMap(ctx, req)
		return editMsg{serial, dry, res, err}
	}
}

func (d *editDialog) place() place {
	if d.stage == stageForm {
		return placeForm
	}
	return placeReview
}

// key implements dialog.
func (d *editDialog) key(a *app, msg tea.KeyPressMsg) (dialog, tea.Cmd) {
	do := a.keys.action(msg, d.place())
	if do == actCancel {
		return d.back(), nil
	}
	switch d.stage {
	case stageForm:
		switch {
		case do == actAccept:
			return d, d.ask(a, nil, true)
		case do == actField && d.add:
			d.onKey = !d.onKey
		case do == "":
			in := d.field()
			*in, _ = in.Update(msg) // the command only blinks
			d.err = nil
		}
	case stageReview:
		switch {
		case do == actAccept && d.change.Before != nil:
			return d, d.ask(a, &d.change.Before.Raw, false)
		case do == actAccept, do == actForce:
			return d, d.ask(a, nil, false)
		}
	}
	return d, nil
}

// back goes from the preview to the form, and from there out.
func (d *editDialog) back() dialog {
	if d.stage == stageForm || d.op == api.EditDelete {
		return nil
	}
	d.serial++
	d.stage, d.err, d.note = stageForm, nil, ""
	return d
}

func (d *editDialog) field() *textinput.Model {
	if d.onKey {
		return &d.name
	}
	return &d.value
}

func (d *editDialog) paste(text string) {
	if d.stage == stageForm {
		in := d.field()
		*in, _ = in.Update(tea.PasteMsg{Content: text})
	}
}

func (a *app) updateDialog(msg dialogMsg) tea.Cmd {
	switch msg := msg.(type) {
	case editMsg:
		if d, ok := a.dialog.(*editDialog); ok && msg.serial == d.serial {
			return d.answered(a, msg)
		}
		if !msg.dry { // the dialog was left while the edit was under way
			a.entries.restart()
		}
	}
	return nil
}

func (d *editDialog) answered(a *app, msg editMsg) tea.Cmd {
	switch {
	case msg.err == nil && msg.dry:
		d.stage = stageReview
		if len(msg.result.Changes) > 0 {
			d.change = msg.result.Changes[0]
		}
		return nil
	case msg.err == nil:
		a.dialog = nil
		a.commands.end(a.commands.begin(a.now(), d.line), nil)
		a.notice = "done: " + d.line
		a.entries.restart()
		return nil
	case errors.Is(msg.err, api.ErrConflict) && !msg.dry:
		was := d.change.Before
		d.note = "The entry changed meanwhile."
		if was != nil {
			d.note += " It was " + was.Text + "."
		}
		return d.ask(a, nil, true) // show what it is now
	}
	d.err = msg.err
	d.stage = stageForm
	if d.op == api.EditDelete {
		d.stage = stageReview
	}
	if !msg.dry {
		a.commands.end(a.commands.begin(a.now(), d.line), msg.err)
	}
	cmd, _ := a.disconnected(msg.err)
	return cmd
}

func (d *editDialog) view(a *app, w, h int) []string {
	t := a.theme
	width := min(w-4, 96)
	inner := width - 4
	var lines []string
	say := func(l ...string) {
		for _, x := range l {
			lines = append(lines, " "+x)
		}
	}
	if d.note != "" {
		say(draw.Marked(t.Glyphs.Warn, t.Warn, d.note, inner)...)
	}
	switch d.stage {
	case stageForm:
		d.viewForm(t, inner, say)
	case stageAsking, stageApplying:
		say("Asking the target" + t.Glyphs.Ellipsis)
	case stageReview:
		d.viewReview(t, inner, say)
	}
	if d.err != nil {
		say("")
		say(draw.Marked(t.Glyphs.Fail, t.Fail, d.err.Error(), inner)...)
	}
	title := "edit " + draw.Clean(d.m.Name)
	switch {
	case d.add:
		title = "add to " + draw.Clean(d.m.Name)
	case d.op == api.EditDelete:
		title = "delete from " + draw.Clean(d.m.Name)
	}
	return t.Box(draw.Frame{Title: title, Foot: a.footKeys(d.place()), Focused: true}, lines, width, min(len(lines)+2, h))
}

func (d *editDialog) viewForm(t draw.Theme, w int, say func(...string)) {
	label := func(name, typ string, focused bool) {
		style := t.Dim
		if focused {
			style = t.Accent
		}
		say(style.Render(name) + " " + t.Dim.Render(draw.Clean(typ)))
	}
	field := func(in textinput.Model, focused bool) {
		if focused {
			say(t.Glyphs.Selected + " " + t.Input(in.Value(), in.Position(), w-2))
			return
		}
		say("  " + t.Fit(draw.Clean(in.Value()), w-2))
	}
	label("key", d.m.KeyType, d.onKey)
	field(d.name, d.onKey)
	label("value", d.m.ValueType, !d.onKey)
	field(d.value, !d.onKey)
	say(t.Dim.Render(t.Fit("a number, \"text\", JSON for structs, or hex: and bytes", w)))
}

func (d *editDialog) viewReview(t draw.Theme, w int, say func(...string)) {
	say(t.Dim.Render("key    ") + t.Fit(draw.Clean(d.change.Key.Text), w-7))
	part := func(name string, value *api.Datum, none string) {
		text := none
		if value != nil {
			text = draw.Clean(value.Text)
		}
		for i, l := range draw.Wrap(text, w-7) {
			if i > 0 {
				name = ""
			}
			say(t.Dim.Render(t.Fit(name, 7)) + l)
		}
	}
	part("before", d.change.Before, "no such entry")
	part("after", d.change.After, "deleted")
	say("")
	for _, l := range draw.Paragraph("$ "+d.line, w) {
		say(t.Key.Render(l))
	}
}
