//go:build kernel && linux

package build_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/build"
)

// owned makes a project that belongs to a user, in a folder that all can reach.
func owned(t *testing.T, uid int, files map[string]string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("not root")
		}
		t.Skip("not root")
	}
	dir, err := os.MkdirTemp("/tmp", "ebpfdev-owned-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.CopyFS(dir, os.DirFS(folder(t, files))); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, uid)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// stranger is a user id that nobody else has, whose home goes with the test.
func stranger(t *testing.T) int {
	t.Helper()
	uid := 1_234_000_000 + os.Getpid()
	t.Cleanup(func() { _ = os.RemoveAll(cacheHome(uid)) })
	return uid
}

func cacheHome(uid int) string { return "/var/tmp/ebpfdev-home-" + strconv.Itoa(uid) }

func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// facts runs a script as a build and returns the words it printed.
func facts(t *testing.T, dir string, env []string) map[string]string {
	t.Helper()
	said := map[string]string{}
	_, err := build.New(build.Options{Env: env}).Build(t.Context(), api.BuildRequest{Dir: dir, Command: []string{"./run.sh"}}, func(e api.BuildEvent) error {
		if k, v, ok := strings.Cut(e.Line, "="); ok {
			said[k] = v
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return said
}

const script = "echo uid=$(id -u); echo groups=$(id -G); echo HOME=$HOME; echo PWD=$PWD; echo GOPATH=$GOPATH; echo KEEP=$KEEP; echo owner=$(stat -c %u $HOME)\n" +
	"touch $HOME/.cache-is-writable && echo writable=yes; cp seed.txt out.o\n"

// A build that root asks for runs as the owner of the folder: no file in it
// ever turns root's, and the caches of the tools can be written.
func TestBuildsAsTheOwner(t *testing.T) {
	uid := stranger(t)
	dir := owned(t, uid, map[string]string{"run.sh": script, "seed.txt": string(object(machineBPF))})
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=/root", "GOPATH=/root/go", "KEEP=kept", "PWD=/root"}
	said := facts(t, dir, env)
	if said["uid"] != strconv.Itoa(uid) || said["groups"] != said["uid"] || said["writable"] != "yes" || said["PWD"] != dir || said["KEEP"] != "kept" {
		t.Errorf("%q", said)
	}
	if said["GOPATH"] != "" || strings.HasPrefix(said["HOME"], "/root") || owner(t, said["HOME"]) != uid {
		t.Errorf("root's places are used: %q", said)
	}
	if got := owner(t, filepath.Join(dir, "out.o")); got != uid {
		t.Errorf("the object belongs to %d", got)
	}
	if again := facts(t, dir, env); again["HOME"] != said["HOME"] {
		t.Errorf("the caches are at %s, then at %s", said["HOME"], again["HOME"])
	}
}

// A home that somebody else has put in the place is not taken.
func TestForeignHome(t *testing.T) {
	uid := stranger(t)
	dir := owned(t, uid, map[string]string{"run.sh": script, "seed.txt": string(object(machineBPF))})
	trap := cacheHome(uid)
	for name, set := range map[string]func() error{
		"a link":           func() error { return os.Symlink(dir, trap) },
		"another's folder": func() error { return os.Mkdir(trap, 0o777) },
		"open to all":      func() error { return open(trap, uid) },
		"a file of the user's": func() error {
			if err := os.WriteFile(trap, nil, 0o600); err != nil {
				return err
			}
			return os.Chown(trap, uid, uid)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := set(); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(trap)
			said := facts(t, dir, []string{"PATH=" + os.Getenv("PATH")})
			if home := said["HOME"]; home == trap || said["writable"] != "yes" || said["owner"] != strconv.Itoa(uid) {
				t.Errorf("%q", said)
			} else if _, err := os.Lstat(home); !os.IsNotExist(err) {
				t.Errorf("%s stayed: %v", home, err)
			}
		})
	}
}

func open(path string, uid int) error {
	if err := os.Mkdir(path, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o777); err != nil {
		return err
	}
	return os.Chown(path, uid, uid)
}

// runnable returns the first program of that name on the PATH that a user may
// run: the go that runs this test may lie in root's own home.
func runnable(t *testing.T, uid int, name string) string {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		cmd := exec.Command(filepath.Join(dir, name), "version")
		if name != "go" {
			cmd.Args[1] = "--version"
		}
		cmd.Env = []string{"GOTOOLCHAIN=local", "HOME=/nonexistent"}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
		if cmd.Run() == nil {
			return cmd.Path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("no %s that user %d may run", name, uid)
	}
	t.Skipf("no %s that user %d may run", name, uid)
	return ""
}

// A real Go project is built as its owner.
func TestGoProjectAsTheOwner(t *testing.T) {
	uid := stranger(t)
	path := filepath.Dir(runnable(t, uid, "go")) + ":" + filepath.Dir(runnable(t, uid, "clang")) + ":" + os.Getenv("PATH")
	dir := owned(t, uid, goProject())
	env := append(slices.Clone(os.Environ()), "PATH="+path, "GOFLAGS=-mod=mod", "GOPROXY=off", "HOME=/root", "GOTOOLCHAIN=local", "GOROOT=")
	res, err := build.New(build.Options{Env: env}).Build(t.Context(), api.BuildRequest{Dir: dir}, ignore)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Objects) != 1 {
		t.Errorf("%+v", res)
	}
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error {
		if got := owner(t, path); got != uid {
			t.Errorf("%s belongs to %d", path, got)
		}
		return nil
	})
}
