package template

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// listed is how many names of a folder that is not empty an error shows.
const listed = 10

// Scaffold writes a project into a new or empty folder, whose parent must
// exist. It is staged beside the folder and then renamed: after an error or a
// cancelled context nothing is left. When root writes into a folder of somebody
// else, the files become theirs.
func (c *Catalogue) Scaffold(ctx context.Context, req api.ScaffoldRequest) (api.ScaffoldResult, error) {
	files, err := c.plan(ctx, req)
	if err != nil {
		return api.ScaffoldResult{}, err
	}
	folder, err := checkFolder(req.Folder)
	if err != nil {
		return api.ScaffoldResult{}, err
	}
	parent, err := os.OpenRoot(filepath.Dir(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return api.ScaffoldResult{}, api.Errorf("create project", folder, api.ErrNotExist,
			"its parent folder does not exist").WithHint("mkdir -p " + shell.Quote(filepath.Dir(folder)))
	}
	if err != nil {
		return api.ScaffoldResult{}, writeError("create project", folder, err)
	}
	defer parent.Close()

	if err := place(ctx, parent, filepath.Base(folder), files); err != nil {
		if ctx.Err() != nil {
			return api.ScaffoldResult{}, ctx.Err()
		}
		return api.ScaffoldResult{}, writeError("create project", folder, err)
	}
	return api.ScaffoldResult{Folder: folder, Files: paths(files)}, nil
}

// checkFolder returns the folder as an absolute path.
func checkFolder(folder string) (string, error) {
	if folder == "" || strings.ContainsFunc(folder, unicode.IsControl) {
		return "", api.Errorf("create project", fmt.Sprintf("%q", folder), api.ErrUsage,
			"a folder's path is not empty and has no control characters")
	}
	abs, err := filepath.Abs(folder)
	if err != nil {
		return "", api.E("create project", folder, api.ErrEnvironment, err)
	}
	if abs == filepath.Dir(abs) {
		return "", api.Errorf("create project", abs, api.ErrUsage, "the root folder cannot be a project")
	}
	return abs, nil
}

// place writes the files below base, a new or empty folder of parent. They are
// staged in a folder that nobody else may enter, so that nothing can be swapped
// while they are written and handed over.
func place(ctx context.Context, parent *os.Root, base string, files []file) (err error) {
	existing, err := existingFolder(parent, base)
	if err != nil {
		return err
	}
	owner, err := ownerOf(parent, existing)
	if err != nil {
		return err
	}
	temp := "." + base + ".ebpfdev-" + rand.Text()
	if err := parent.Mkdir(temp, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parent.RemoveAll(temp)) }()
	staged := filepath.Join(temp, "project")
	if err := parent.Mkdir(staged, modeFolder); err != nil {
		return err
	}
	stage, err := parent.OpenRoot(staged)
	if err != nil {
		return err
	}
	defer stage.Close()
	if existing != nil {
		if err := stage.Chmod(".", existing.Mode().Perm()); err != nil {
			return err
		}
	}
	if err := writeAll(ctx, stage, files, owner); err != nil {
		return err
	}
	return move(parent, staged, base, existing, owner)
}

// move renames the staged folder to its place. As os.Root renames over nothing,
// an empty folder that is there is first moved beside the staged one, where nobody
// else can reach it, and comes back when it turns out to be in use or the rename
// fails.
func move(parent *os.Root, staged, base string, existing fs.FileInfo, o *owner) error {
	if existing == nil {
		return parent.Rename(staged, base)
	}
	old := filepath.Join(filepath.Dir(staged), "old")
	if err := parent.Rename(base, old); err != nil {
		return err
	}
	err := removeEmpty(parent, old)
	if err != nil {
		return errors.Join(err, parent.Rename(old, base))
	}
	if err = parent.Rename(staged, base); err == nil {
		return nil
	}
	if undo := parent.Mkdir(base, existing.Mode().Perm()); undo != nil {
		return errors.Join(err, undo)
	}
	return errors.Join(err, o.give(parent, base))
}

// removeEmpty removes an empty folder and nothing else.
func removeEmpty(parent *os.Root, name string) error {
	info, err := parent.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%w: it exists and is not a folder", api.ErrConflict)
	}
	return parent.Remove(name)
}

// existingFolder returns the folder's description when it is there and empty,
// and nil when it is not there.
func existingFolder(parent *os.Root, base string) (fs.FileInfo, error) {
	info, err := parent.Lstat(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%w: it exists and is not a folder", api.ErrConflict)
	}
	dir, err := parent.Open(base)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(listed + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > 0 {
		return nil, notEmpty(names)
	}
	if here, err := os.Stat("."); err == nil && os.SameFile(here, info) {
		// A rename would leave the caller's shell in a folder that is gone.
		return nil, fmt.Errorf("%w: it is the current folder; run this from its parent", api.ErrConflict)
	}
	return info, nil
}

// notEmpty describes a folder that is in use; names has at most listed+1.
func notEmpty(names []string) error {
	more := ""
	if len(names) > listed {
		names, more = names[:listed], " and more"
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return fmt.Errorf("%w: not empty: %s%s", api.ErrConflict, strings.Join(quoted, ", "), more)
}

// writeAll writes the files below stage and gives everything to its owner.
func writeAll(ctx context.Context, stage *os.Root, files []file, o *owner) error {
	made := map[string]bool{".": true}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := makeFolders(stage, path.Dir(f.path), made, o); err != nil {
			return err
		}
		if err := writeFile(stage, f); err != nil {
			return err
		}
		if err := o.give(stage, f.path); err != nil {
			return err
		}
	}
	if err := o.give(stage, "."); err != nil {
		return err
	}
	return ctx.Err()
}

// makeFolders makes dir and its parents, each once.
func makeFolders(stage *os.Root, dir string, made map[string]bool, o *owner) error {
	if made[dir] {
		return nil
	}
	if err := makeFolders(stage, path.Dir(dir), made, o); err != nil {
		return err
	}
	made[dir] = true
	if err := stage.Mkdir(dir, modeFolder); err != nil {
		return err
	}
	return o.give(stage, dir)
}

// writeFile writes a file that must not be there yet.
func writeFile(stage *os.Root, f file) error {
	w, err := stage.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	if err != nil {
		return err
	}
	_, err = w.Write(f.data)
	return errors.Join(err, w.Close())
}

// writeError gives an error of the file system its kind.
func writeError(op, object string, err error) error {
	kind := api.ErrEnvironment
	var e *api.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	case errors.Is(err, api.ErrConflict):
		return api.Errorf(op, object, api.ErrConflict, strings.TrimPrefix(err.Error(), string(api.ErrConflict)+": "))
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		kind = api.ErrPermission
	case errors.Is(err, fs.ErrExist):
		kind = api.ErrConflict
	}
	return api.E(op, object, kind, err)
}
