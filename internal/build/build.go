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
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
	"github.com/ebpfdev/ebpfdev/internal/shell"
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
// installed), ErrPermission (bpftrace's dry run needs root), ErrFailed (no object
// came out).
func (b *Builder) Build(ctx context.Context, req api.BuildRequest, fn func(api.BuildEvent) error) (api.BuildResult, error) {
	p, err := plan(req)
	if err != nil {
		return api.BuildResult{}, err
	}
	if req.For == api.BuildForTypes {
		objects, err := collect(ctx, req.Dir, p.Objects)
		return api.BuildResult{Framework: string(p.Framework), Objects: objects}, err
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
		if err := step(ctx, command{argv: argv, dir: req.Dir, user: who}, fn); err != nil {
			return api.BuildResult{}, err
		}
	}
	if len(steps) == 0 && p.Framework == project.Bpftrace && req.For == "" {
		if err := b.dryRun(ctx, req.Dir, p.Sources, fn); err != nil {
			return api.BuildResult{}, err
		}
	}
	return result(ctx, req.Dir, p)
}

// step says what is run, and runs it.
func step(ctx context.Context, c command, fn func(api.BuildEvent) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := fn(api.BuildEvent{Step: strings.Join(c.argv, " ")}); err != nil {
		return err
	}
	return run(ctx, c, fn)
}

// result collects what a build made. A project that a process loads may have
// made nothing.
func result(ctx context.Context, dir string, p project.Project) (api.BuildResult, error) {
	res := api.BuildResult{Framework: string(p.Framework), Objects: []api.Object{}, Loader: p.Run}
	if len(p.Objects) == 0 {
		return res, nil
	}
	var err error
	if res.Objects, err = collect(ctx, dir, p.Objects); err != nil {
		return api.BuildResult{}, err
	}
	if len(res.Objects) == 0 && len(p.Run) == 0 {
		return api.BuildResult{}, api.Errorf("build", dir, api.ErrFailed,
			"no BPF object came out; looked for "+strings.Join(p.Objects, ", ")+
				` (customizations.ebpfdev.objects in devcontainer.json says otherwise)`)
	}
	return res, nil
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
		Run:       req.Run,
	})
	if err := sensible(req, p); err != nil {
		return none, err
	}
	if len(p.Objects) == 0 && p.Framework == project.Unknown && len(p.Run) == 0 {
		p.Objects = []string{"**/*.o"}
	}
	for _, pattern := range p.Objects {
		if _, err := project.Match(pattern, "x"); err != nil {
			return none, api.Errorf("build", pattern, api.ErrUsage, "a bad pattern for objects")
		}
	}
	return p, nil
}

// sensible says why there is nothing to build, or nothing to load afterwards.
func sensible(req api.BuildRequest, p project.Project) error {
	compiled := p.Framework == project.Bpftrace || p.Framework == project.BCC // when it runs
	switch {
	case len(p.Build) == 0 && p.Framework == project.Unknown && len(p.Run) == 0:
		return api.Errorf("build", req.Dir, api.ErrNotExist, "no eBPF project is recognised there, and no build command is set"+
			" (customizations.ebpfdev.build in devcontainer.json)")
	case compiled && req.For == api.BuildForVerify && len(p.Objects) == 0:
		return verifiedLater(p)
	case compiled && req.For == api.BuildForLoad && len(p.Run) == 0:
		return chooseOne(p)
	case len(p.Build) > 0 || req.For == api.BuildForLoad || p.Framework == project.Bpftrace:
		return nil
	case compiled:
		return api.Errorf("build", req.Dir, api.ErrUsage,
			"there is nothing to build: a "+string(p.Framework)+" program is compiled when it starts, which run and load do").WithHint("ebpfdev run")
	default:
		return api.Errorf("build", req.Dir, api.ErrUsage, "there is nothing to build: the project has only a command that runs it").WithHint("ebpfdev run")
	}
}

// verifiedLater says when the programs of a framework are verified that compiles
// them when they run.
func verifiedLater(p project.Project) error {
	cause := "a " + string(p.Framework) + " program is compiled and verified when it starts"
	if p.Framework == project.Bpftrace || len(p.Build) > 0 {
		return api.Errorf("verify", "", api.ErrUsage, cause+"; its build tries that, and shows what the verifier says").WithHint("ebpfdev build")
	}
	return api.Errorf("verify", "", api.ErrUsage, cause+"; run and load show what the verifier says").WithHint("ebpfdev run")
}

// chooseOne names the programs of a project that has not exactly one.
func chooseOne(p project.Project) error {
	const setting = "customizations.ebpfdev.run in devcontainer.json can say which one is run, and how"
	if len(p.Sources) == 0 {
		return api.Errorf("load", "", api.ErrUsage, "no "+string(p.Framework)+" program was found; "+setting)
	}
	named := p.Sources
	more := ""
	const most = 5
	if len(named) > most {
		more = fmt.Sprintf(" and %d more", len(named)-most)
		named = named[:most]
	}
	return api.Errorf("load", "", api.ErrUsage, fmt.Sprintf("the project has %d %s programs (%s%s): name one; %s",
		len(p.Sources), p.Framework, strings.Join(named, ", "), more, setting)).WithHint(shell.Join("ebpfdev", "load", p.Sources[0]))
}
