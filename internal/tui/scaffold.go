package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/tui/wizard"
)

// scaffold writes the project that the wizard asked for, goes to it and, if
// asked for, starts its container.
func (a *app) scaffold(done wizard.Finished) tea.Cmd {
	s, ws, req := a.opt.Scaffolder, a.opt.Workspace, done.Request
	return a.begin(job{title: "new", command: done.Command, run: func(ctx context.Context, say func(note)) (outcome, error) {
		say(note{step: "write " + req.Folder})
		res, err := s.Scaffold(ctx, req)
		if err != nil {
			return outcome{}, err
		}
		say(note{step: plural(len(res.Files), "file") + " in " + res.Folder, done: true})
		out := outcome{}
		if done.Up {
			out, err = upWorkspace(ctx, ws, res.Folder, say)
		}
		out.folder = res.Folder
		return out, err
	}})
}
