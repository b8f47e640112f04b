package main

import (
	"context"
	"io"
	"os"

	"github.com/ebpfdev/ebpfdev/internal/agent"
	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/cli"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
	"github.com/ebpfdev/ebpfdev/internal/local"
	"github.com/ebpfdev/ebpfdev/internal/template"
	"github.com/ebpfdev/ebpfdev/internal/tui"
	"github.com/ebpfdev/ebpfdev/templates"
)

// deps is where the parts of ebpfdev are put together. Nothing is made before a
// command asks for it.
func deps(ios *iostreams.IOStreams) cli.Deps {
	return cli.Deps{
		Version:    version,
		Workspace:  func() (api.Workspace, error) { return nil, absent("workspace") },
		Scaffolder: func() (api.Scaffolder, error) { return template.New(templates.FS) },
		Doctor:     func() (api.Doctor, error) { return nil, absent("doctor") },
		TUI: func(ctx context.Context, req cli.TUIRequest) error {
			return tui.Run(ctx, tui.Options{
				In: req.In, Out: req.Out, Workspace: req.Workspace, Scaffolder: req.Scaffolder, Doctor: req.Doctor,
				Folder: req.Folder, Target: req.Target, Version: version, Env: ios.Environ(),
			})
		},
		Agent:       serveAgent,
		CheckObject: object.CheckLimited,
	}
}

// serveAgent serves this machine's kernel; it is what runs in containers.
func serveAgent(ctx context.Context, r io.Reader, w io.Writer) error {
	target, err := local.New(localOptions())
	if err != nil {
		return err
	}
	return agent.Serve(ctx, r, w, agent.Options{Target: target, Version: version})
}

// localOptions let objects be parsed in a child of this very program first, so
// that a hostile one cannot take this process down.
func localOptions() local.Options {
	var opts local.Options
	if self, err := os.Executable(); err == nil {
		opts.CheckObject = []string{self, "agent", "check-object"}
	}
	return opts
}

func absent(part string) error {
	return api.Errorf("open", part, api.ErrNotSupported, "it is not part of this build")
}
