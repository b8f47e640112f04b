// Package wizard asks for a new project, one question on each page, and shows
// beside it what the answers so far would write.
//
// It writes nothing itself: whoever shows it gets the request as a Finished
// message.
package wizard

import (
	"context"
	"path/filepath"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Msg is a message of the wizard; pass it to Update unless it is Finished or
// Cancelled.
type Msg interface{ wizard() }

// Finished says that the project shall be made.
type Finished struct {
	Request api.ScaffoldRequest
	Up      bool // and its container started
	Command string
}

// Cancelled says that nobody wants a project.
type Cancelled struct{}

type templatesMsg struct {
	templates []api.Template
	err       error
}

type previewMsg struct {
	serial  int
	preview api.Preview
	err     error
}

func (Finished) wizard()     {}
func (Cancelled) wizard()    {}
func (templatesMsg) wizard() {}
func (previewMsg) wizard()   {}

type page int

const (
	pageName page = iota
	pageTemplate
	pageKind
	pageContainer
	pageReview
	pages
)

// Model is the wizard. It is a plain struct: its owner passes keys, pasted text
// and messages in and draws it.
type Model struct {
	ctx        context.Context
	scaffolder api.Scaffolder
	parent     string // where the project's folder is made

	page      page
	name      textinput.Model
	proposed  bool // the name is still the proposal: typing replaces it
	templates []api.Template
	loaded    bool
	template  int
	kind      int
	options   api.ContainerOptions
	option    int // the row of the container page
	review    int // the row of the review page: 0 make and start, 1 make only
	err       error

	serial     int  // of the last preview that was asked for
	answered   int  // the preview that came last
	waiting    bool // enter was pressed before the preview came
	preview    api.Preview
	previewErr error
	scroll     int
}

// New returns a wizard for projects in the folder parent. The name is a
// proposal and may be empty.
func New(ctx context.Context, s api.Scaffolder, parent, name string) *Model {
	in := textinput.New()
	in.Prompt = ""
	in.CharLimit = 64
	if name == "" {
		name = "my-probe"
	}
	in.SetValue(name)
	in.CursorEnd()
	in.Focus()
	return &Model{ctx: ctx, scaffolder: s, parent: parent, name: in, proposed: true}
}

// Init asks for the templates.
func (m *Model) Init() tea.Cmd {
	ctx, s := m.ctx, m.scaffolder
	return func() tea.Msg {
		t, err := s.Templates(ctx)
		return templatesMsg{t, err}
	}
}

// Update takes a message.
func (m *Model) Update(msg Msg) tea.Cmd {
	switch msg := msg.(type) {
	case templatesMsg:
		m.templates, m.err, m.loaded = msg.templates, msg.err, true
		return m.ask()
	case previewMsg:
		if msg.serial == m.serial {
			m.previewErr, m.answered = msg.err, msg.serial
			if msg.err == nil {
				m.preview = msg.preview
			}
			if m.waiting {
				m.waiting = false
				return m.next()
			}
		}
	}
	return nil
}

// Ready reports whether the preview is that of the answers.
func (m *Model) Ready() bool { return m.answered == m.serial && m.serial > 0 }

// request is what the answers ask for.
func (m *Model) request() api.ScaffoldRequest {
	req := api.ScaffoldRequest{Name: m.name.Value(), Options: m.options}
	req.Folder = filepath.Join(m.parent, req.Name)
	if m.template < len(m.templates) {
		t := m.templates[m.template]
		req.Template = t.ID
		if m.kind < len(t.Kinds) {
			req.Kind = t.Kinds[m.kind].ID
		}
	}
	return req
}

// ask asks for a preview of the answers so far.
func (m *Model) ask() tea.Cmd {
	if !m.loaded || len(m.templates) == 0 {
		return nil
	}
	m.serial++
	ctx, s, req, serial := m.ctx, m.scaffolder, m.request(), m.serial
	return func() tea.Msg {
		p, err := s.Preview(ctx, req)
		return previewMsg{serial, p, err}
	}
}

// Key handles a key. Leaving the first page sends Cancelled, the last Finished.
func (m *Model) Key(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc", "shift+tab":
		if m.page == pageName {
			return func() tea.Msg { return Cancelled{} }
		}
		m.page--
		return nil
	case "enter", "tab":
		return m.forward()
	case "pgdown", "ctrl+d":
		m.scroll = min(m.scroll+5, 2*len(m.preview.Files)+strings.Count(m.preview.Devcontainer, "\n"))
		return nil
	case "pgup", "ctrl+u":
		m.scroll = max(0, m.scroll-5)
		return nil
	}
	if m.page == pageName {
		m.begin(msg.Text != "")
		m.name, _ = m.name.Update(msg) // the command only blinks
		return m.ask()
	}
	return m.choose(msg.String())
}

// Paste handles pasted text.
func (m *Model) Paste(text string) tea.Cmd {
	if m.page != pageName {
		return nil
	}
	m.begin(true)
	m.name, _ = m.name.Update(tea.PasteMsg{Content: text})
	return m.ask()
}

// begin is called before the first change of the proposed name: a new text takes
// its place, any other key edits it.
func (m *Model) begin(text bool) {
	if m.proposed && text {
		m.name.SetValue("")
	}
	m.proposed = false
}

func (m *Model) forward() tea.Cmd {
	switch {
	case m.loaded && len(m.templates) == 0:
		return m.Init()
	case !m.loaded:
		return nil
	case !m.Ready() && (m.page == pageName || m.page == pageReview):
		m.waiting = true // for the preview, which checks the answers
		return nil
	default:
		return m.next()
	}
}

// next turns the page, unless the answers are wrong: the page says what is.
func (m *Model) next() tea.Cmd {
	switch {
	case m.previewErr != nil:
		return m.ask()
	case m.page < pageReview:
		m.page++
		return m.ask()
	}
	done := Finished{Request: m.request(), Up: m.review == 0, Command: m.command()}
	return func() tea.Msg { return done }
}

// command is the command line that does the same.
func (m *Model) command() string {
	line := m.preview.Command
	if line != "" && m.review == 0 {
		line += " --up"
	}
	return line
}

// choose moves on a page of choices.
func (m *Model) choose(key string) tea.Cmd {
	step := 0
	switch key {
	case "down", "j":
		step = 1
	case "up", "k":
		step = -1
	case "space", " ", "x":
		return m.toggle()
	default:
		return nil
	}
	at, n := m.row()
	if n == 0 {
		return nil
	}
	*at = (*at + step + n) % n
	if m.page == pageTemplate {
		m.kind = 0
	}
	return m.ask()
}

// row is the selected row of the page and how many there are.
func (m *Model) row() (at *int, n int) {
	switch m.page {
	case pageTemplate:
		return &m.template, len(m.templates)
	case pageKind:
		if m.template >= len(m.templates) {
			return &m.kind, 0
		}
		return &m.kind, len(m.templates[m.template].Kinds)
	case pageContainer:
		return &m.option, len(m.containerOptions())
	default:
		return &m.review, 2
	}
}

// option is one choice of the container page.
type option struct {
	on    *bool
	title string
	text  string
}

func (m *Model) containerOptions() []option {
	return []option{
		{&m.options.LeastPrivilege, "least privilege", "Capabilities only, instead of privileged. Some program types may not load."},
		{&m.options.PrivatePID, "private pids", "The container sees only its own processes. Owners of programs are not found."},
		{&m.options.HostNetwork, "host network", "The machine's interfaces instead of the container's own."},
	}
}

func (m *Model) toggle() tea.Cmd {
	if m.page != pageContainer {
		return nil
	}
	o := m.containerOptions()[m.option]
	*o.on = !*o.on
	return m.ask()
}
