package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/cli"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debian"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debiantest"
)

// mainWithArchive is ebpfdev with another archive: ARCHIVE names a folder with the
// only key that is trusted and the pinned kernels, MIRROR is the address.
func mainWithArchive() {
	os.Exit(run(func(ios *iostreams.IOStreams) cli.Deps {
		d := deps(ios)
		d.Kernels = func() (api.Kernels, error) { return newKernels(ios, openTestArchive) }
		return d
	}))
}

func openTestArchive(mirror string) (*debian.Archive, error) {
	if mirror == "" {
		mirror = os.Getenv("MIRROR")
	}
	m, err := debian.NewMirror(mirror)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(os.Getenv("ARCHIVE"), "key.asc"))
	if err != nil {
		return nil, err
	}
	keys, err := debian.ParseKeys(key)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(os.Getenv("ARCHIVE"), "pins.json"))
	if err != nil {
		return nil, err
	}
	var pins []debian.Kernel
	if err := json.Unmarshal(text, &pins); err != nil {
		return nil, err
	}
	return debian.New(debian.Options{Mirrors: []debian.Mirror{m}, Keys: keys, Pins: pins}), nil
}

// pinnedPath is where the pinned package is.
const pinnedPath = "debian/pool/linux-image-6.12.9+deb13-cloud-amd64_6.12.9-1_amd64.deb"

// testArchive serves 6.12.9, which is pinned, and 6.12.10, both in the suite
// trixie, and returns the folder for ARCHIVE and the address for MIRROR.
func testArchive(t testing.TB) (a *debiantest.Archive, dir, mirror string) {
	t.Helper()
	a, dir = debiantest.New(t), t.TempDir()
	var packages []debian.Package
	for _, version := range []string{"6.12.9", "6.12.10"} {
		release := version + "+deb13-cloud-amd64"
		padding := debiantest.File{Name: "./lib/modules/x.ko", Data: make([]byte, 2<<20)}
		packages = append(packages, a.AddPackage("debian", "linux-image-"+release, version+"-1", debiantest.Deb(t, "",
			debiantest.File{Name: "./boot/config-" + release, Data: []byte("CONFIG_BPF=y\n")},
			debiantest.File{Name: "./boot/vmlinuz-" + release, Data: debiantest.BzImage(t, debiantest.ELF(release))}, padding)))
	}
	a.Publish("debian", "trixie", packages)
	pins, err := json.Marshal([]debian.Kernel{{Archive: "debian", Image: packages[0]}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"key.asc": a.Key(), "pins.json": pins} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a, dir, a.Serve()
}

// TestArchiveScripts runs the kernel commands against an archive of each script's own.
func TestArchiveScripts(t *testing.T) {
	commands := scriptCommands()
	commands["archive"] = cmdArchive
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script/archive", Cmds: commands, Condition: condition, UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			a, dir, mirror := testArchive(e.T().(testing.TB))
			e.Values["archive"] = a
			e.Setenv("ARCHIVE", dir)
			e.Setenv("MIRROR", mirror)
			return setup(e)
		},
	})
}

// cmdArchive is "archive lose", without the pinned package, "archive spoil", with
// another one, "archive unsign", with a changed index, and "archive asked": fails
// when nothing was asked for, or with "!" when something was.
func cmdArchive(ts *testscript.TestScript, neg bool, args []string) {
	a := ts.Value("archive").(*debiantest.Archive)
	const release = "debian/dists/trixie/InRelease"
	switch strings.Join(args, " ") {
	case "lose":
		a.Put(pinnedPath, nil)
	case "spoil":
		data := slices.Clone(a.Get(pinnedPath))
		data[len(data)/2] ^= 1
		a.Put(pinnedPath, data)
	case "unsign":
		a.Put(release, bytes.ReplaceAll(a.Get(release), []byte("Origin: Test"), []byte("Origin: Tost")))
	case "asked":
		if asked := a.Asked(); (len(asked) > 0) == neg {
			ts.Fatalf("the archive was asked for %q", asked)
		}
	default:
		ts.Fatalf("unknown: %q", args)
	}
}

// Ctrl-C in the middle of a download leaves nothing in the cache.
func TestCtrlCLeavesNoKernel(t *testing.T) {
	a, dir, mirror := testArchive(t)
	stuck := a.Stick(pinnedPath)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	program := filepath.Join(t.TempDir(), "ebpfdev-archive")
	if err := os.Symlink(self, program); err != nil {
		t.Skip(err) // Windows needs a privilege for it, and has no such signal
	}
	cmd := exec.Command(program, "kernel", "fetch", "6.12")
	cmd.Env = []string{"ARCHIVE=" + dir, "MIRROR=" + mirror, "HOME=" + home, "LOCALAPPDATA=" + home}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-stuck:
	case <-t.Context().Done():
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("ended with %v", err)
	}
	left, err := filepath.Glob(filepath.Join(home, ".cache", "ebpfdev", "kernels", "*"))
	hidden, err2 := filepath.Glob(filepath.Join(home, ".cache", "ebpfdev", "kernels", ".*"))
	if len(left)+len(hidden) > 0 || err != nil || err2 != nil {
		t.Errorf("left: %q %q, %v, %v", left, hidden, err, err2)
	}
}
