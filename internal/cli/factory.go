package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/prompt"
)

// factory gives commands their streams, their parts and the values of the flags
// that all commands share.
type factory struct {
	io   *iostreams.IOStreams
	deps Deps

	target   target
	folder   string
	gone     bool // the folder that was named need not be there
	progress progressMode
	verbose  bool
	yes      bool

	shown  *shownLines
	opened api.TargetName // where the session's work happened

	workspace  func() (api.Workspace, error)
	scaffolder func() (api.Scaffolder, error)
	doctor     func() (api.Doctor, error)
	kernels    func() (api.Kernels, error)
	asker      func() *prompt.Linear
}

func newFactory(ios *iostreams.IOStreams, deps Deps) *factory {
	return &factory{
		io: ios, deps: deps, progress: progressMode(output.ProgressAuto), shown: new(shownLines),
		workspace:  sync.OnceValues(deps.Workspace),
		scaffolder: sync.OnceValues(deps.Scaffolder),
		doctor:     sync.OnceValues(deps.Doctor),
		kernels:    sync.OnceValues(deps.Kernels),
		asker:      sync.OnceValue(func() *prompt.Linear { return prompt.NewLinear(ios.In, ios.ErrOut, ios.Width()) }),
	}
}

// workspaceFolder returns the absolute workspace folder: the one that was
// named, else the nearest one upwards that has a devcontainer.json, else here.
func (f *factory) workspaceFolder() (string, error) {
	const op = "open the workspace folder"
	var here string
	if !filepath.IsAbs(f.folder) {
		var err error
		if here, err = currentFolder(); errors.Is(err, fs.ErrNotExist) {
			return "", api.Errorf(op, "", api.ErrEnvironment, "the current folder was deleted").
				WithHint(`ebpfdev down --workspace-folder "$PWD"`)
		} else if err != nil {
			return "", api.E(op, "", api.ErrEnvironment, err)
		}
	}
	if f.folder != "" {
		folder := absolute(here, f.folder)
		if info, err := os.Stat(folder); !f.gone && (err != nil || !info.IsDir()) {
			return "", api.Errorf(op, f.folder, api.ErrUsage, "there is no such folder")
		}
		return folder, nil
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if hasDevcontainer(dir) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return here, nil
		}
	}
}

// currentFolder returns the current folder without symbolic links, as the reference
// Dev Container CLI sees it: containers are found by this path.
func currentFolder() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// hasDevcontainer looks where the Dev Container specification says that a
// configuration may be.
func hasDevcontainer(dir string) bool {
	candidates := []string{
		filepath.Join(dir, ".devcontainer", "devcontainer.json"),
		filepath.Join(dir, ".devcontainer.json"),
	}
	entries, _ := os.ReadDir(filepath.Join(dir, ".devcontainer"))
	for _, e := range entries {
		candidates = append(candidates, filepath.Join(dir, ".devcontainer", e.Name(), "devcontainer.json"))
	}
	return slices.ContainsFunc(candidates, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && !info.IsDir()
	})
}

// open connects to the target that the flags choose; the session must be closed.
func (f *factory) open(ctx context.Context) (api.Session, error) {
	ws, err := f.workspace()
	if err != nil {
		return nil, err
	}
	folder, err := f.workspaceFolder()
	if err != nil {
		return nil, err
	}
	return ws.Open(ctx, api.OpenRequest{Folder: folder, Target: api.TargetName(f.target)})
}

// withSession runs fn on the target that the flags choose.
func (f *factory) withSession(ctx context.Context, fn func(api.Session) error) (err error) {
	s, err := f.open(ctx)
	if err != nil {
		return err
	}
	f.opened = api.TargetName(s.Info().Target)
	defer func() {
		if cerr := s.Close(); err == nil {
			err = cerr
		}
	}()
	return fn(s)
}

// withWorkspace runs fn on the workspace that the flags choose.
func (f *factory) withWorkspace(fn func(ws api.Workspace, folder string) error) error {
	ws, err := f.workspace()
	if err != nil {
		return err
	}
	folder, err := f.workspaceFolder()
	if err != nil {
		return err
	}
	return fn(ws, folder)
}

// newProgress returns the renderer that the flags and the terminal call for.
func (f *factory) newProgress() output.Progress {
	mode := output.ProgressMode(f.progress)
	if mode == output.ProgressAuto {
		mode = output.ProgressPlain
		if f.io.ErrTTY() && !f.io.Accessible() {
			mode = output.ProgressTTY
		}
	}
	palette := output.Palette(f.io.ErrColor())
	switch mode {
	case output.ProgressJSON:
		return output.NewJSONProgress(f.io.ErrOut)
	case output.ProgressTTY:
		p := output.NewTTYProgress(f.io.ErrOut, palette, f.io.Width, f.verbose)
		if !f.verbose {
			return p
		}
		return &recorded{p, f.shown}
	default:
		return &recorded{output.NewPlainProgress(f.io.ErrOut, palette), f.shown}
	}
}

// out returns the palette for standard output.
func (f *factory) out() output.Palette { return output.Palette(f.io.OutColor()) }

// tableWidth returns the width that tables have to fit into; 0 for a pipe.
func (f *factory) tableWidth() int {
	if f.io.OutTTY() {
		return f.io.Width()
	}
	return 0
}

// table writes a table, or a line for people when it has no rows.
func (f *factory) table(t *output.Table, empty string) error {
	if t.Len() == 0 {
		f.say("%s", empty)
		return nil
	}
	return t.Write(f.io.Out, f.out(), f.tableWidth())
}
