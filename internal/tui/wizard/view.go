package wizard

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// Hints are the keys of the page, for a footer.
func (m *Model) Hints() [][2]string {
	hints := [][2]string{{"enter", "next"}, {"esc", "back"}}
	switch m.page {
	case pageName:
		hints[1][1] = "leave"
	case pageContainer:
		hints = append(hints, [2]string{"space", "on or off"}, [2]string{"j k", "choose"})
	case pageReview:
		hints[0][1] = "make it"
		hints = append(hints, [2]string{"j k", "choose"})
	default:
		hints = append(hints, [2]string{"j k", "choose"})
	}
	return append(hints, [2]string{"pgdn", "scroll preview"}, [2]string{"ctrl+c", "leave, nothing is written"})
}

// View draws the wizard into w by h cells.
func (m *Model) View(t draw.Theme, w, h int) []string {
	left := w
	if w >= 70 {
		left = w * 9 / 20
	}
	title := fmt.Sprintf("new project, %d of %d", m.page+1, pages)
	form := t.Box(draw.Frame{Title: title, Focused: true}, m.form(t, left-4), left, h)
	if left == w {
		return form
	}
	right := w - left
	return draw.Beside(form, t.Box(m.previewFrame(), m.previewLines(t, right-2, h-2), right, h))
}

func (m *Model) form(t draw.Theme, w int) []string {
	var lines []string
	switch {
	case m.err != nil:
		return t.State(draw.State{Mood: draw.Failed, Title: "The templates cannot be read.", Text: m.err.Error(), Hint: "enter tries again"}, w, 8)
	case !m.loaded:
		return t.State(draw.State{Mood: draw.Loading, Title: "Reading the templates"}, w, 8)
	case len(m.templates) == 0:
		return t.State(draw.State{Title: "There are no templates."}, w, 8)
	}
	switch m.page {
	case pageName:
		lines = m.formName(t, w)
	case pageTemplate, pageKind:
		lines = m.formChoice(t, w)
	case pageContainer:
		lines = m.formContainer(t, w)
	default:
		lines = m.formReview(t, w)
	}
	if m.previewErr != nil {
		lines = append(lines, "")
		lines = append(lines, draw.Marked(t.Glyphs.Fail, t.Fail, m.previewErr.Error(), w)...)
	}
	out := []string{""}
	for _, l := range lines {
		out = append(out, " "+l)
	}
	return out
}

func (m *Model) formName(t draw.Theme, w int) []string {
	return []string{
		t.TitleFocused.Render("What is it called?"), "",
		t.Glyphs.Selected + " " + t.Input(m.name.Value(), m.name.Position(), w-2), "",
		t.Dim.Render("It is made in"),
		t.FitLeft(draw.Clean(filepath.Join(m.parent, m.name.Value())), w),
	}
}

func (m *Model) formChoice(t draw.Theme, w int) []string {
	var names []string
	about := ""
	title := "What do you write it in?"
	at, _ := m.row()
	if m.page == pageTemplate {
		for _, x := range m.templates {
			names = append(names, x.Name)
		}
		about = m.templates[m.template].Description
	} else {
		title = "What shall it do?"
		kinds := m.templates[m.template].Kinds
		for _, x := range kinds {
			names = append(names, x.Name)
		}
		if m.kind < len(kinds) {
			about = kinds[m.kind].Description
			if v := kinds[m.kind].MinKernel; v != "" {
				about += "\nNeeds Linux " + v + " or later."
			}
		}
	}
	lines := []string{t.TitleFocused.Render(title), ""}
	for i, n := range names {
		lines = append(lines, t.Cursor(draw.Clean(n), w, i == *at, true))
	}
	lines = append(lines, "")
	for _, l := range draw.Paragraph(about, w) {
		lines = append(lines, t.Dim.Render(l))
	}
	return lines
}

func (m *Model) formContainer(t draw.Theme, w int) []string {
	lines := []string{t.TitleFocused.Render("How shall its container run?"), ""}
	options := m.containerOptions()
	for i, o := range options {
		mark := "[ ] "
		if *o.on {
			mark = "[x] "
		}
		lines = append(lines, t.Cursor(mark+o.title, w, i == m.option, true))
	}
	lines = append(lines, "")
	for _, l := range draw.Paragraph(options[m.option].text, w) {
		lines = append(lines, t.Dim.Render(l))
	}
	if !m.options.LeastPrivilege {
		lines = append(lines, "")
		for _, l := range draw.Paragraph("As it is, the container is privileged: bpf(2) works, and what runs in it can do anything to this machine.", w) {
			lines = append(lines, t.Warn.Render(l))
		}
	}
	return lines
}

func (m *Model) formReview(t draw.Theme, w int) []string {
	req := m.request()
	fact := func(name, value string) string { return t.Dim.Render(t.Fit(name, 10)) + draw.Clean(value) }
	lines := []string{t.TitleFocused.Render("Make it?"), "", fact("name", req.Name), fact("template", req.Template), fact("kind", req.Kind)}
	var on []string
	for _, o := range m.containerOptions() {
		if *o.on {
			on = append(on, o.title)
		}
	}
	if !m.options.LeastPrivilege {
		on = append([]string{"privileged"}, on...)
	}
	lines = append(lines, fact("container", strings.Join(on, ", ")), fact("files", fmt.Sprint(len(m.preview.Files))), "")
	for i, c := range []string{"make it and start it", "make it only"} {
		lines = append(lines, t.Cursor(c, w, i == m.review, true))
	}
	lines = append(lines, "")
	for _, l := range draw.Paragraph("$ "+m.command(), w) {
		lines = append(lines, t.Key.Render(l))
	}
	return lines
}

func (m *Model) previewFrame() draw.Frame {
	return draw.Frame{Title: "what is written", Note: draw.Clean(m.name.Value())}
}

// previewLines are the file tree and devcontainer.json.
func (m *Model) previewLines(t draw.Theme, w, h int) []string {
	if len(m.preview.Files) == 0 {
		return t.State(draw.State{Mood: draw.Loading, Title: "The preview comes with the first answers."}, w, h)
	}
	var files, config []string
	for _, l := range tree(t, m.preview.Files) {
		files = append(files, " "+l)
	}
	config = append(config, t.Accent.Render(" .devcontainer/devcontainer.json"))
	for _, l := range draw.CleanLines(strings.ReplaceAll(m.preview.Devcontainer, "\t", "  ")) {
		if strings.HasPrefix(strings.TrimSpace(l), "//") {
			l = t.Dim.Render(l)
		}
		config = append(config, " "+l)
	}
	lines := append(append(files, ""), config...)
	if m.page == pageContainer { // what the page decides comes first
		lines = append(append(config, ""), files...)
	}
	return lines[min(m.scroll, max(0, len(lines)-h)):]
}

// tree draws sorted paths as a tree.
func tree(t draw.Theme, files []string) []string {
	var lines, open []string
	for _, f := range files {
		parts := strings.Split(draw.Clean(f), "/")
		same := 0
		for same < len(parts)-1 && same < len(open) && parts[same] == open[same] {
			same++
		}
		for i := same; i < len(parts); i++ {
			name := parts[i]
			if i < len(parts)-1 {
				name = t.Accent.Render(name + "/")
			}
			lines = append(lines, strings.Repeat("   ", i)+t.Dim.Render(t.Glyphs.Branch+" ")+name)
		}
		open = parts[:len(parts)-1]
	}
	return lines
}
