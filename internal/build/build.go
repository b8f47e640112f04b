// Package build runs a project's own build and collects the BPF objects that it
// made.
//
// Commands are argv, never a shell string. When we are root, they run as the
// owner of the project's folder, so that no file there ever turns root's. What
// they print is passed on line by line and never kept whole; when the call ends,
// so does every process of the build.
package build

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
)

// Options are what builds start from.
type Options struct {
	// Env is the environment of the tools, KEY=VALUE; nil for this process's.
	// HOME and what points into another user's home are set anew for a build
	// that runs as somebody else.
	Env []string
}

// Builder implements api.Builder on this machine.
type Builder struct {
	env []string
}

var _ api.Builder = (*Builder)(nil)

// New returns a Builder.
func New(o Options) *Builder {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	return &Builder{env: o.Env}
}

// Build implements api.Builder. Further errors: ErrEnvironment (a tool is not
// installed), ErrUsage (a framework that compiles when it runs), ErrFailed (no
// object came out).
func (b *Builder) Build(ctx context.Context, req api.BuildRequest, fn func(api.BuildEvent) error) (api.BuildResult, error) {
	p, err := plan(req)
	if err != nil {
		return api.BuildResult{}, err
	}
	who, err := userOf(req.Dir, b.env)
	if err != nil {
		return api.BuildResult{}, api.E("build", req.Dir, api.ErrEnvironment, err)
	}
	defer who.leave()
	steps := p.Build
	if req.Clean {
		steps = append(append([][]string{}, p.Clean...), p.Build...)
	}
	for _, argv := range steps {
		if err := ctx.Err(); err != nil {
			return api.BuildResult{}, err
		}
		if err := fn(api.BuildEvent{Step: strings.Join(argv, " ")}); err != nil {
			return api.BuildResult{}, err
		}
		if err := run(ctx, command{argv: argv, dir: req.Dir, user: who}, fn); err != nil {
			return api.BuildResult{}, err
		}
	}
	objects, err := collect(ctx, req.Dir, p.Objects)
	if err != nil {
		return api.BuildResult{}, err
	}
	if len(objects) == 0 {
		return api.BuildResult{}, api.Errorf("build", req.Dir, api.ErrFailed,
			"no BPF object came out; looked for "+strings.Join(p.Objects, ", ")+
				` (customizations.ebpfdev.objects in devcontainer.json says otherwise)`)
	}
	return api.BuildResult{Framework: string(p.Framework), Objects: objects}, nil
}

// plan decides what is run and where the objects come out.
func plan(req api.BuildRequest) (project.Project, error) {
	none := project.Project{}
	switch info, err := os.Stat(req.Dir); {
	case !filepath.IsAbs(req.Dir):
		return none, api.Errorf("build", req.Dir, api.ErrUsage, "the folder is not an absolute path")
	case errors.Is(err, fs.ErrNotExist):
		return none, api.Errorf("build", req.Dir, api.ErrNotExist, "there is no such folder")
	case errors.Is(err, fs.ErrPermission):
		return none, api.E("build", req.Dir, api.ErrPermission, err)
	case err != nil:
		return none, api.E("build", req.Dir, api.ErrEnvironment, err)
	case !info.IsDir():
		return none, api.Errorf("build", req.Dir, api.ErrNotExist, "it is not a folder")
	}
	p, err := project.Detect(os.DirFS(req.Dir))
	if err != nil {
		return none, api.E("build", req.Dir, "", err)
	}
	p = p.Apply(project.Settings{
		Framework: project.Framework(req.Framework),
		Build:     req.Command,
		Objects:   req.Objects,
	})
	switch {
	case len(p.Build) == 0 && p.Framework == project.Unknown:
		return none, api.Errorf("build", req.Dir, api.ErrNotExist, "no eBPF project is recognised there, and no build command is set"+
			" (customizations.ebpfdev.build in devcontainer.json)")
	case len(p.Build) == 0:
		return none, api.Errorf("build", req.Dir, api.ErrUsage,
			"a "+string(p.Framework)+" program is compiled when it runs: there is nothing to build")
	case len(p.Objects) == 0:
		p.Objects = []string{"**/*.o"}
	}
	for _, pattern := range p.Objects {
		if _, err := project.Match(pattern, "x"); err != nil {
			return none, api.Errorf("build", pattern, api.ErrUsage, "a bad pattern for objects")
		}
	}
	return p, nil
}
