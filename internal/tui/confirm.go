package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// question asks before something is taken away. It shows what, and the command
// that does the same.
type question struct {
	title string
	text  string
	items []string // what goes
	line  string
	yes   func() tea.Cmd
}

func (q *question) place() place { return placeConfirm }

func (q *question) paste(string) {}

func (q *question) key(a *app, msg tea.KeyPressMsg) (dialog, tea.Cmd) {
	switch a.keys.action(msg, placeConfirm) {
	case actAccept:
		return nil, q.yes()
	case actCancel:
		return nil, nil
	}
	return q, nil
}

func (q *question) view(a *app, w, h int) []string {
	t := a.theme
	width := min(w-4, 76)
	var lines []string
	for _, l := range draw.Paragraph(q.text, width-4) {
		lines = append(lines, " "+l)
	}
	room := max(h-len(lines)-6, 1)
	for i, item := range q.items {
		if i == room {
			lines = append(lines, t.Dim.Render("   and "+plural(len(q.items)-i, "more thing")))
			break
		}
		lines = append(lines, " "+t.Fail.Render("-")+" "+draw.Clean(item))
	}
	lines = append(lines, "", " "+t.Key.Render("$ "+draw.Clean(q.line)))
	return t.Box(draw.Frame{Title: q.title, Foot: a.footKeys(placeConfirm), Focused: true}, lines, width, min(len(lines)+2, h))
}

// askUnload shows what the project has loaded before it goes.
func (a *app) askUnload() {
	var items []string
	project := a.conn.info.Project
	for _, k := range a.programs.links {
		if k.Project == project {
			items = append(items, "link "+k.Program+": "+k.Target)
		}
	}
	for _, p := range a.programs.all {
		if p.Project == project {
			items = append(items, "program "+p.Name)
		}
	}
	for _, m := range a.maps.all {
		if m.Project == project {
			items = append(items, "map "+m.Name+" and its entries")
		}
	}
	switch {
	case a.service() == nil:
		a.notice = "there is no target; " + a.conn.next()
		return
	case project == "" || len(items) == 0:
		a.notice = "this project has nothing loaded"
		return
	}
	a.dialog = &question{
		title: "unload " + draw.Clean(project), text: "This leaves the kernel:", items: items,
		line: cli(append([]string{"unload"}, on(a.conn.target)...)...), yes: a.unload,
	}
}

// askDown asks before the container goes.
func (a *app) askDown() {
	st := a.conn.status
	if a.conn.apart() || st.State == "" || st.State == "none" {
		a.notice = "there is no container to remove"
		return
	}
	items := []string{"container " + st.Container}
	for _, v := range st.Volumes {
		items = append(items, "volume "+v)
	}
	items = append(items, "what was loaded and pinned in it")
	a.dialog = &question{
		title: "down", text: "This is removed; the project's files stay:", items: items, line: cli("down"), yes: a.down,
	}
}

// askReplace asks before a load takes the place of an older one.
func (a *app) askReplace() dialog {
	return &question{
		title: "load", text: "The project is already loaded. Loading it again takes the old one out first; its maps lose their entries.",
		items: []string{"what " + a.conn.info.Project + " has loaded"},
		line:  cli(append([]string{"load", "--replace"}, on(a.conn.target)...)...),
		yes: func() tea.Cmd {
			return a.pipeline("load", steps{load: true, lifetime: a.lifetime(), replace: true}, "load", "--replace")
		},
	}
}

// askRun asks before a run takes the place of something that is pinned.
func (a *app) askRun() tea.Cmd {
	run := func(args ...string) tea.Cmd {
		return a.pipeline("run", steps{verify: true, load: true, lifetime: api.LifetimeSession, replace: len(args) > 1}, args...)
	}
	for _, p := range a.programs.all {
		if p.Project != "" && p.Project == a.conn.info.Project {
			a.dialog = &question{
				title: "run", text: "The project is already loaded. A run takes it out first, and itself when ebpfdev ends.",
				items: []string{"what " + p.Project + " has loaded"}, line: cli("run", "--replace"),
				yes: func() tea.Cmd { return run("run", "--replace") },
			}
			return nil
		}
	}
	return run("run")
}
