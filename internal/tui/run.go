// Package tui is ebpfdev's full-screen frontend.
package tui

import (
	"context"
	"io"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Options are what the TUI works on. Workspace must be set; without a
// Scaffolder or a Doctor their screens say so.
type Options struct {
	In         io.Reader
	Out        io.Writer
	Workspace  api.Workspace
	Scaffolder api.Scaffolder
	Doctor     api.Doctor
	Folder     string         // the workspace folder; new projects are made beside what is in it
	Target     api.TargetName // where to work; usually TargetAuto
	Version    string
	Env        []string // KEY=VALUE
}

// Run shows the TUI until the person leaves it or the context ends.
func Run(ctx context.Context, _ Options) error {
	return ctx.Err()
}

// Wizard asks for a new project. It writes nothing: the request and whether the
// container shall be started come back. A wizard that was left gives
// context.Canceled.
func Wizard(ctx context.Context, _ Options) (req api.ScaffoldRequest, up bool, err error) {
	return api.ScaffoldRequest{}, false, ctx.Err()
}
