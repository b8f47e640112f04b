package main

import (
	"context"
	"io"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/cli"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
	"github.com/ebpfdev/ebpfdev/internal/tui"
)

// deps is where the parts of ebpfdev are put together. Nothing is made before a
// command asks for it.
func deps(ios *iostreams.IOStreams) cli.Deps {
	return cli.Deps{
		Version:    version,
		Workspace:  func() (api.Workspace, error) { return nil, absent("workspace") },
		Scaffolder: func() (api.Scaffolder, error) { return nil, absent("templates") },
		Doctor:     func() (api.Doctor, error) { return nil, absent("doctor") },
		TUI: func(ctx context.Context, req cli.TUIRequest) error {
			return tui.Run(ctx, tui.Options{
				In: req.In, Out: req.Out, Workspace: req.Workspace, Scaffolder: req.Scaffolder, Doctor: req.Doctor,
				Folder: req.Folder, Version: version, Env: ios.Environ(),
			})
		},
		Agent:       func(context.Context, io.Reader, io.Writer) error { return absent("agent") },
		CheckObject: func(io.Reader) error { return absent("object") },
	}
}

func absent(part string) error {
	return api.Errorf("open", part, api.ErrNotSupported, "it is not part of this build")
}
