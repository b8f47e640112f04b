package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/safe"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// program is what load and run put into the kernel: an object, or a process that
// loads its programs itself.
type program struct {
	object  api.Object
	process *api.Process // nil for an object
	// compiled: the process compiles the programs when it runs, and reads their
	// log lines itself where it wants them.
	compiled bool
}

// request is the load of a program under a project's name.
func (p program) request(project string, lifetime api.Lifetime, req api.LoadRequest) api.LoadRequest {
	req.Project, req.Object, req.Process, req.Lifetime = project, p.object, p.process, lifetime
	return req
}

// interpreter returns what runs a file that is a program of its own: bpftrace for
// *.bt, Python for *.py, and "" for every other file, which is an object.
func interpreter(path string) string {
	switch filepath.Ext(path) {
	case ".bt":
		return "bpftrace"
	case ".py":
		return "python3"
	default:
		return ""
	}
}

// program returns the named program or, when none is named, the one that the
// project's build makes or names; the request says how that is checked before.
func (f *factory) program(ctx context.Context, s api.Session, op string, paths []string, req api.BuildRequest) (program, error) {
	if len(paths) == 1 && interpreter(paths[0]) != "" {
		name, err := f.pathIn(s, op, paths[0])
		if err != nil {
			return program{}, err
		}
		return program{process: &api.Process{Args: []string{interpreter(paths[0]), name}, Dir: s.Info().Dir}, compiled: true}, nil
	}
	if len(paths) > 0 {
		obj, err := oneOf(op, nil, paths)
		return program{object: obj}, err
	}
	req.Dir, req.For = s.Info().Dir, api.BuildForLoad
	res, err := f.build(ctx, s, req)
	if err != nil {
		return program{}, err
	}
	if len(res.Loader) > 0 {
		return program{process: &api.Process{Args: res.Loader, Dir: s.Info().Dir}, compiled: len(res.Objects) == 0}, nil
	}
	obj, err := oneOf(op, res.Objects, nil)
	return program{object: obj}, err
}

// pathIn returns how a file is called on the side of a session: relative to the
// project's folder, which is there under another path, or absolute for a file
// elsewhere on this machine.
func (f *factory) pathIn(s api.Session, op, file string) (string, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", api.Errorf(op, file, api.ErrNotExist, "there is no such file")
	case err != nil:
		return "", api.E(op, file, readKind(err), errors.Unwrap(err))
	case !info.Mode().IsRegular():
		return "", api.Errorf(op, file, api.ErrInvalid, "it is not a regular file")
	}
	folder, err := f.workspaceFolder()
	if err != nil {
		return "", err
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", api.E(op, file, api.ErrEnvironment, err)
	}
	if rel, ok := within(folder, abs); ok {
		return notOption(filepath.ToSlash(rel)), nil
	}
	if s.Info().Target == string(api.TargetContainer) {
		return "", api.Errorf(op, file, api.ErrUsage, "it is outside of "+folder+", and the container sees no other folder of this machine").
			WithHint(shell.Join("cp", file, folder))
	}
	return abs, nil
}

// within returns a file's path relative to a folder, also where one of the two
// was named through a symbolic link.
func within(folder, file string) (string, bool) {
	real := func(path string) string {
		if p, err := filepath.EvalSymlinks(path); err == nil {
			return p
		}
		return path
	}
	file = filepath.Join(real(filepath.Dir(file)), filepath.Base(file))
	rel, err := filepath.Rel(real(folder), file)
	return rel, err == nil && filepath.IsLocal(rel)
}

// notOption keeps a file's name from being read as an option.
func notOption(name string) string {
	if strings.HasPrefix(name, "-") {
		return "./" + name
	}
	return name
}

// oneOf is the one object that is named or was built.
func oneOf(op string, built []api.Object, paths []string) (api.Object, error) {
	if len(paths) > 0 {
		return readObject(paths[0])
	}
	switch len(built) {
	case 0:
		return api.Object{}, noObjects()
	case 1:
		return built[0], nil
	default:
		return api.Object{}, api.Errorf(op, "", api.ErrUsage, fmt.Sprintf("the project builds %d objects; name one", len(built))).
			WithHint("ebpfdev " + op + " " + shell.Quote(objectPath(built[0])))
	}
}

// writeOutput prints what a process has said: its standard output is a result.
func (f *factory) writeOutput(lines []api.OutputLine) error {
	for _, l := range lines {
		if err := f.writeLine(l.Text, l.Stderr); err != nil {
			return err
		}
	}
	return nil
}

func (f *factory) writeLine(text string, stderr bool) error {
	out := f.io.Out
	if stderr {
		f.shown.add(text)
		out = f.io.ErrOut
	}
	_, err := fmt.Fprintln(out, safe.Lines(text))
	return err
}
