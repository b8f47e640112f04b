package build

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// dryRun asks bpftrace about programs: it compiles each, loads it and attaches it
// for a moment. That needs root, so it is done as who we are. A bpftrace before
// 0.20 has no such option; with -d it compiles, without loading, and prints what
// it has read, which nobody wants to see.
func (b *Builder) dryRun(ctx context.Context, dir string, sources []string, fn func(api.BuildEvent) error) error {
	if os.Geteuid() > 0 {
		return api.Errorf("build", dir, api.ErrPermission, "bpftrace's dry run needs root")
	}
	who := buildUser{env: b.env}
	option, heard, err := dryRunOption(ctx, dir, who)
	if err != nil {
		return err
	}
	for _, name := range sources {
		if strings.HasPrefix(name, "-") {
			name = "./" + name
		}
		err := step(ctx, command{argv: []string{"bpftrace", option, name}, dir: dir, user: who}, func(e api.BuildEvent) error {
			if e.Step == "" && !e.Stderr && !heard {
				return nil
			}
			return fn(e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dryRunOption returns the option for a dry run, and whether its standard output
// is worth hearing.
func dryRunOption(ctx context.Context, dir string, who buildUser) (option string, heard bool, _ error) {
	known := false
	err := run(ctx, command{argv: []string{"bpftrace", "--help"}, dir: dir, user: who}, func(e api.BuildEvent) error {
		known = known || strings.Contains(e.Line, "--dry-run")
		return nil
	})
	var tool *api.ToolError
	if err != nil && !errors.As(err, &tool) { // an old one ends its help with an error
		return "", false, err
	}
	if known {
		return "--dry-run", true, nil
	}
	return "-d", false, nil
}
