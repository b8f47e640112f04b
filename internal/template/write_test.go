package template

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestScaffold(t *testing.T) {
	c := catalogue(t, small())
	for _, before := range []string{"new", "empty"} {
		t.Run(before, func(t *testing.T) {
			parent := t.TempDir()
			req := request("probe", "one")
			req.Folder = filepath.Join(parent, "dir")
			if before == "empty" {
				mkdir(t, req.Folder, 0o750)
			}
			res, err := c.Scaffold(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if res.Folder != req.Folder || !slices.Equal(res.Files, tree(t, req.Folder)) {
				t.Errorf("got %+v; there is %q", res, tree(t, req.Folder))
			}
			if got := names(t, parent); !slices.Equal(got, []string{"dir"}) {
				t.Errorf("beside it: %q", got)
			}
			if info := stat(t, req.Folder); before == "empty" && info.Mode().Perm() != 0o750 {
				t.Errorf("folder has mode %v", info.Mode())
			}
			if info := stat(t, filepath.Join(req.Folder, "run.sh")); info.Mode()&0o100 == 0 {
				t.Errorf("run.sh has mode %v", info.Mode())
			}
			if info := stat(t, filepath.Join(req.Folder, "go.mod")); info.Mode()&0o111 != 0 {
				t.Errorf("go.mod has mode %v", info.Mode())
			}
		})
	}
}

func TestScaffoldRelative(t *testing.T) {
	parent := t.TempDir()
	t.Chdir(parent)
	req := request("probe", "one")
	req.Folder = "probe"
	res, err := catalogue(t, small()).Scaffold(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(res.Folder) || len(tree(t, filepath.Join(parent, "probe"))) == 0 {
		t.Errorf("got %+v", res)
	}
}

func TestScaffoldConflicts(t *testing.T) {
	tests := map[string]struct {
		make func(t *testing.T, folder string)
		want string
	}{
		"file": {func(t *testing.T, f string) { write(t, f, "x") }, "not a folder"},
		"not empty": {func(t *testing.T, f string) {
			mkdir(t, f, 0o755)
			write(t, filepath.Join(f, "a\x1bb"), "x")
		}, `not empty: "a\x1bb"`},
		"link to a folder": {func(t *testing.T, f string) { symlink(t, t.TempDir(), f) }, "not a folder"},
		"dangling link":    {func(t *testing.T, f string) { symlink(t, "nowhere", f) }, "not a folder"},
		"current folder": {func(t *testing.T, f string) {
			mkdir(t, f, 0o755)
			t.Chdir(f)
		}, "current folder"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			req := request("probe", "one")
			req.Folder = filepath.Join(parent, "dir")
			tt.make(t, req.Folder)
			before := tree(t, parent)
			_, err := catalogue(t, small()).Scaffold(t.Context(), req)
			if !errors.Is(err, api.ErrConflict) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one about %s", err, tt.want)
			}
			if after := tree(t, parent); !slices.Equal(after, before) {
				t.Errorf("before %q, after %q", before, after)
			}
		})
	}
}

func TestConflictListsTenNames(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "dir")
	mkdir(t, folder, 0o755)
	for i := range 12 {
		write(t, filepath.Join(folder, fmt.Sprintf("file%02d", i)), "")
	}
	req := request("probe", "one")
	req.Folder = folder
	_, err := catalogue(t, small()).Scaffold(t.Context(), req)
	if !errors.Is(err, api.ErrConflict) || strings.Count(err.Error(), "file") != 10 || !strings.HasSuffix(err.Error(), " and more") {
		t.Errorf("got %v", err)
	}
}

func TestScaffoldRefusesFolders(t *testing.T) {
	c := catalogue(t, small())
	tests := map[string]struct {
		folder string
		want   api.Kind
	}{
		"empty":       {"", api.ErrUsage},
		"newline":     {filepath.Join(t.TempDir(), "a\nb"), api.ErrUsage},
		"escape":      {filepath.Join(t.TempDir(), "a\x1b[2J"), api.ErrUsage},
		"zero byte":   {filepath.Join(t.TempDir(), "a\x00b"), api.ErrUsage},
		"root":        {"/", api.ErrUsage},
		"no parent":   {filepath.Join(t.TempDir(), "no", "parent"), api.ErrNotExist},
		"file parent": {filepath.Join(writeTemp(t), "x"), api.ErrEnvironment},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := request("probe", "one")
			req.Folder = tt.folder
			if _, err := c.Scaffold(t.Context(), req); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestScaffoldUnwritable(t *testing.T) {
	parent := t.TempDir()
	if err := os.Chmod(parent, 0o555); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 && runtime.GOOS == "linux" {
		parent = "/sys" // where root may not write either
	}
	req := request("probe", "one")
	req.Folder = filepath.Join(parent, "dir")
	if _, err := catalogue(t, small()).Scaffold(t.Context(), req); !errors.Is(err, api.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// countdown is a context that is cancelled when it is asked for the nth time.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// Whenever it is cancelled, the folder is there whole or not at all.
func TestScaffoldCancelled(t *testing.T) {
	c := catalogue(t, small())
	for n := int64(0); ; n++ {
		parent := t.TempDir()
		req := request("probe", "two")
		req.Folder = filepath.Join(parent, "dir")
		ctx := &countdown{Context: t.Context()}
		ctx.left.Store(n)
		_, err := c.Scaffold(ctx, req)
		if err == nil {
			if n < 10 {
				t.Fatalf("finished after %d looks at the context", n)
			}
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("at %d: got %v", n, err)
		}
		if left := names(t, parent); len(left) != 0 {
			t.Fatalf("at %d: left %q", n, left)
		}
	}
}

// An existing empty folder is as it was after a failure.
func TestScaffoldFailureKeepsEmptyFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "dir")
	mkdir(t, folder, 0o700)
	before := stat(t, folder)
	ctx := &countdown{Context: t.Context()}
	ctx.left.Store(12)
	req := request("probe", "one")
	req.Folder = folder
	if _, err := catalogue(t, small()).Scaffold(ctx, req); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if after := stat(t, folder); !os.SameFile(before, after) || after.Mode() != before.Mode() || len(names(t, folder)) != 0 {
		t.Errorf("before %v, after %v", before, after)
	}
}

// hooked runs a function when it is asked for its error the nth time.
type hooked struct {
	context.Context
	at   int
	hook func()
}

func (h *hooked) Err() error {
	h.at--
	if h.at == 0 {
		h.hook()
	}
	return h.Context.Err()
}

// An empty folder that comes into use while we write stays as it is.
func TestScaffoldFolderComesIntoUse(t *testing.T) {
	tests := map[string]func(t *testing.T, folder string){
		"file in it": func(t *testing.T, folder string) { write(t, filepath.Join(folder, "theirs"), "x") },
		"now a file": func(t *testing.T, folder string) {
			if err := os.Remove(folder); err != nil {
				t.Fatal(err)
			}
			write(t, folder, "x")
		},
	}
	for name, use := range tests {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			req := request("probe", "one")
			req.Folder = filepath.Join(parent, "dir")
			mkdir(t, req.Folder, 0o755)
			ctx := &hooked{Context: t.Context(), at: 12, hook: func() { use(t, req.Folder) }}
			if _, err := catalogue(t, small()).Scaffold(ctx, req); !errors.Is(err, api.ErrConflict) {
				t.Errorf("got %v", err)
			}
			if got := tree(t, parent); len(got) != 1 || !strings.HasPrefix(got[0], "dir") {
				t.Errorf("there is %q", got)
			}
		})
	}
}

// Somebody who may write to the parent puts something in the way while files
// are written: a link that leads out, a folder in use. Nothing is written through
// it and nothing of ours stays.
func TestScaffoldSwapped(t *testing.T) {
	swaps := map[string]func(t *testing.T, folder, outside string){
		"folder becomes a link": func(t *testing.T, folder, outside string) { symlink(t, outside, folder) },
		"folder is used": func(t *testing.T, folder, _ string) {
			mkdir(t, folder, 0o755)
			write(t, filepath.Join(folder, "theirs"), "x")
		},
		"stage becomes a link": func(t *testing.T, folder, outside string) {
			stages, err := filepath.Glob(filepath.Join(filepath.Dir(folder), ".dir.ebpfdev-*"))
			if err != nil || len(stages) != 1 {
				t.Fatalf("stages %q, %v", stages, err)
			}
			if err := os.RemoveAll(stages[0]); err != nil {
				t.Fatal(err)
			}
			symlink(t, outside, stages[0])
		},
	}
	for name, swap := range swaps {
		t.Run(name, func(t *testing.T) {
			parent, outside := t.TempDir(), t.TempDir()
			write(t, filepath.Join(outside, "precious"), "x")
			req := request("probe", "one")
			req.Folder = filepath.Join(parent, "dir")
			ctx := &hooked{Context: t.Context(), at: 12, hook: func() { swap(t, req.Folder, outside) }}
			_, err := catalogue(t, small()).Scaffold(ctx, req)
			if err == nil || ctx.at > 0 {
				t.Fatalf("got %v with %d looks left", err, ctx.at)
			}
			if got := names(t, outside); !slices.Equal(got, []string{"precious"}) {
				t.Errorf("outside: %q", got)
			}
			for _, left := range names(t, parent) {
				if left != "dir" {
					t.Errorf("left %q", left)
				}
			}
		})
	}
}

func tree(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		files = append(files, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func stat(t *testing.T, path string) fs.FileInfo {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func mkdir(t *testing.T, dir string, mode fs.FileMode) {
	t.Helper()
	if err := os.Mkdir(dir, mode); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeTemp(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "x")
	return path
}

func symlink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
}
