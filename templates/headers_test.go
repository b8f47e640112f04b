package templates_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/templates"
)

const (
	release = "6.15.4-300"
	script  = "bcc/base/scripts/headers.sh"
)

// headersOf runs the script as if root were the file system and name the kernel.
func headersOf(t *testing.T, root, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil || runtime.GOOS != "linux" {
		t.Skip("needs a Linux shell")
	}
	text, err := fs.ReadFile(templates.FS, script)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-s", "--"}, args...)...)
	cmd.Env = append(os.Environ(), "HEADERS_ROOT="+root, "HEADERS_RELEASE="+name)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// tree makes a tree that was configured for a kernel, below root; with common set
// the headers themselves are in that one, as Debian parts them.
func tree(t *testing.T, root, dir, version, common string) {
	t.Helper()
	arch := map[string]string{"amd64": "x86", "arm64": "arm64"}[runtime.GOARCH]
	if arch == "" {
		t.Skip("no tree for this architecture")
	}
	put(t, root, dir+"/include/generated/autoconf.h", "")
	put(t, root, dir+"/arch/"+arch+"/include/generated/asm/x.h", "")
	put(t, root, dir+"/include/generated/utsrelease.h", fmt.Sprintf("#define UTS_RELEASE %q\n", version))
	if common == "" {
		put(t, root, dir+"/include/linux/kconfig.h", "")
		return
	}
	put(t, root, common+"/include/linux/kconfig.h", "")
	place := strings.TrimPrefix(common, "/host")
	put(t, root, dir+"/Makefile", "include "+place+"/Makefile\n")
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, root, target, name string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// Where distributions have headers: those of the engine's machine are seen below
// /host, while their absolute links mean the machine's own folders.
func TestHeadersAreFound(t *testing.T) {
	const modules = "/host/usr/lib/modules/" + release
	tests := map[string]struct {
		setup                func(t *testing.T, root string)
		source, path, common string // common: where "source" leads, if elsewhere
	}{
		"Debian": {func(t *testing.T, root string) {
			tree(t, root, "/host/usr/src/linux-headers-"+release, release, "/host/usr/src/linux-headers-6.15.4-common")
			link(t, root, "/usr/src/linux-headers-"+release, modules+"/build")
			link(t, root, "/usr/src/linux-headers-6.15.4-common", modules+"/source")
		}, "mount", "/host/usr/src/linux-headers-" + release, "/host/usr/src/linux-headers-6.15.4-common"},
		"Debian, relative links": {func(t *testing.T, root string) {
			tree(t, root, "/host/usr/src/linux-headers-"+release, release, "/host/usr/src/linux-headers-6.15.4-common")
			link(t, root, "../../../src/linux-headers-"+release, modules+"/build")
			link(t, root, "../../../src/linux-headers-6.15.4-common", modules+"/source")
		}, "mount", "/host/usr/src/linux-headers-" + release, "/host/usr/src/linux-headers-6.15.4-common"},
		"Debian without source": {func(t *testing.T, root string) {
			tree(t, root, "/host/usr/src/linux-headers-"+release, release, "/host/usr/src/linux-headers-6.15.4-common")
			link(t, root, "/usr/src/linux-headers-"+release, modules+"/build")
		}, "mount", "/host/usr/src/linux-headers-" + release, "/host/usr/src/linux-headers-6.15.4-common"},
		"Ubuntu": {func(t *testing.T, root string) {
			dir := "/host/usr/src/linux-headers-" + release
			tree(t, root, dir, release, "/host/usr/src/linux-headers-6.15.4")
			link(t, root, "../../linux-headers-6.15.4/include/linux", dir+"/include/linux")
			link(t, root, "/usr/src/linux-headers-"+release, modules+"/build")
		}, "mount", "/host/usr/src/linux-headers-" + release, ""},
		"Fedora": {func(t *testing.T, root string) {
			tree(t, root, "/host/usr/src/kernels/"+release, release, "")
			link(t, root, "/usr/src/kernels/"+release, modules+"/build")
			link(t, root, "build", modules+"/source")
		}, "mount", "/host/usr/src/kernels/" + release, ""},
		"Fedora without links": {func(t *testing.T, root string) {
			tree(t, root, "/host/usr/src/kernels/"+release, release, "")
		}, "mount", "/host/usr/src/kernels/" + release, ""},
		"Arch": {func(t *testing.T, root string) {
			tree(t, root, modules+"/build", release, "")
		}, "mount", modules + "/build", ""},
		"openSUSE": {func(t *testing.T, root string) {
			tree(t, root, "/host/usr/src/linux-6.15.4-obj/x/default", release, "/host/usr/src/linux-6.15.4")
			link(t, root, "/usr/src/linux-6.15.4-obj/x/default", modules+"/build")
			link(t, root, "/usr/src/linux-6.15.4", modules+"/source")
		}, "mount", "/host/usr/src/linux-6.15.4-obj/x/default", "/host/usr/src/linux-6.15.4"},
		"here before the mount": {func(t *testing.T, root string) {
			tree(t, root, "/usr/src/kernels/"+release, release, "")
			link(t, root, root+"/usr/src/kernels/"+release, "/lib/modules/"+release+"/build")
			tree(t, root, modules+"/build", release, "")
		}, "present", "/usr/src/kernels/" + release, ""},
		"here, but for another kernel": {func(t *testing.T, root string) {
			tree(t, root, "/usr/src/kernels/5.10.9", "5.10.9", "")
			link(t, root, root+"/usr/src/kernels/5.10.9", "/lib/modules/"+release+"/build")
			tree(t, root, modules+"/build", release, "")
		}, "mount", modules + "/build", ""},
		"a link that leads nowhere": {func(t *testing.T, root string) {
			link(t, root, "/gone", "/lib/modules/"+release+"/build")
			tree(t, root, modules+"/build", release, "")
		}, "mount", modules + "/build", ""},
		"kheaders before a package": {func(t *testing.T, root string) {
			put(t, root, "/sys/kernel/kheaders.tar.xz", "")
			tree(t, root, "/usr/src/linux-headers-"+release, release, "")
		}, "kheaders", "/sys/kernel/kheaders.tar.xz", ""},
		"exactly this package": {func(t *testing.T, root string) {
			tree(t, root, "/usr/src/linux-headers-6.15.3-1", "6.15.3-1", "")
			tree(t, root, "/usr/src/linux-headers-"+release, release, "")
		}, "package", "/usr/src/linux-headers-" + release, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := realTemp(t)
			tt.setup(t, root)
			for range 2 { // the second time changes nothing
				stdout, stderr, code := headersOf(t, root, release, "--porcelain")
				source, _, _ := strings.Cut(stdout, "\t")
				if source == "present" && tt.source == "package" {
					source = "package" // found by the link that was made
				}
				want := fmt.Sprintf("%s\t%s\t%s\n", tt.source, tt.path, release)
				if _, rest, _ := strings.Cut(stdout, "\t"); code != 0 || source+"\t"+rest != want || stderr != "" {
					t.Fatalf("got %q, %q, exit %d; want %q", stdout, stderr, code, want)
				}
				if tt.source != "kheaders" {
					checkLinks(t, root, release, tt.path, tt.common)
				}
			}
		})
	}
}

// realTemp is a temporary folder by its own name.
func realTemp(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// checkLinks looks where a kernel's build and source lead, and that compilers find
// there what they look for.
func checkLinks(t *testing.T, root, name, build, source string) {
	t.Helper()
	modules := filepath.Join(root, "lib/modules", name)
	got, err := filepath.EvalSymlinks(filepath.Join(modules, "build"))
	if err != nil || got != root+build {
		t.Errorf("build leads to %s, %v", got, err)
	}
	files := []string{"build/include/generated/autoconf.h"}
	if source == "" {
		files = append(files, "build/include/linux/kconfig.h")
	} else {
		files = append(files, "source/include/linux/kconfig.h")
		if got, err := filepath.EvalSymlinks(filepath.Join(modules, "source")); err != nil || got != root+source {
			t.Errorf("source leads to %s, %v", got, err)
		}
		// The Makefile of the one names the other by its place on the machine.
		place := filepath.Join(root, "usr/src", filepath.Base(source))
		if _, err := os.Stat(place); err != nil {
			t.Error(err)
		}
	}
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(modules, file)); err != nil {
			t.Error(err)
		}
	}
}

// With nothing better, the nearest version in the image is taken, and it says so.
func TestNearestHeaders(t *testing.T) {
	root := realTemp(t)
	for _, version := range []string{"5.10.9", "6.12.9", "6.19.1", "7.0.1"} {
		tree(t, root, "/usr/src/linux-headers-"+version, version, "")
	}
	put(t, root, "/usr/src/linux-headers-6.15.4/include/linux/kconfig.h", "") // never configured
	stdout, stderr, code := headersOf(t, root, "6.15.4-custom")
	if want := "kernel headers: nearest /usr/src/linux-headers-6.12.9 (6.12.9)\n"; code != 0 || stdout != want {
		t.Errorf("got %q, exit %d", stdout, code)
	}
	if !strings.HasPrefix(stderr, "warning: headers of 6.12.9 for the kernel 6.15.4-custom: structs may differ.") {
		t.Errorf("got %q", stderr)
	}

	// Later the kernel's own turn up.
	tree(t, root, "/host/usr/src/linux-headers-6.15.4-custom", "6.15.4-custom", "")
	stdout, stderr, code = headersOf(t, root, "6.15.4-custom")
	if want := "kernel headers: mount /host/usr/src/linux-headers-6.15.4-custom (6.15.4-custom)\n"; code != 0 || stdout != want || stderr != "" {
		t.Errorf("got %q, %q, exit %d", stdout, stderr, code)
	}
}

// The kernel's own archive is of use only without links to other trees.
func TestKheadersRemoveLinks(t *testing.T) {
	root := realTemp(t)
	tree(t, root, "/usr/src/linux-headers-6.12.9", "6.12.9", "")
	headersOf(t, root, release)
	put(t, root, "/sys/kernel/kheaders.tar.xz", "")
	if stdout, _, _ := headersOf(t, root, release, "--porcelain"); !strings.HasPrefix(stdout, "kheaders\t") {
		t.Errorf("got %q", stdout)
	}
	if _, err := os.Lstat(filepath.Join(root, "lib/modules", release, "build")); !os.IsNotExist(err) {
		t.Errorf("a link is left: %v", err)
	}
}

func TestNoHeaders(t *testing.T) {
	tests := map[string]struct {
		name  string
		setup func(t *testing.T, root string)
		want  []string
	}{
		"no mount": {release, func(*testing.T, string) {}, []string{"error: no headers of the kernel " + release, "not mounted at /host/usr", "hint: sudo apt-get install linux-headers-" + release}},
		"nothing in the mount": {release, func(t *testing.T, root string) {
			put(t, root, "/host/usr/lib/x", "")
		}, []string{"has none in /usr/lib/modules/" + release + "/build"}},
		"half a tree": {release, func(t *testing.T, root string) {
			put(t, root, "/host/usr/lib/modules/"+release+"/build/Makefile", "")
		}, []string{"error: no headers"}},
		"links in a circle": {release, func(t *testing.T, root string) {
			link(t, root, "source", "/host/usr/lib/modules/"+release+"/build")
			link(t, root, "build", "/host/usr/lib/modules/"+release+"/source")
		}, []string{"error: no headers"}},
		"Docker Desktop": {"6.10.14-linuxkit", func(*testing.T, string) {}, []string{"hint: this engine's kernel comes without headers"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := realTemp(t)
			tt.setup(t, root)
			stdout, stderr, code := headersOf(t, root, tt.name, "--porcelain")
			if code != 3 || stdout != "" || strings.Count(stderr, "\n") != 2 {
				t.Errorf("got %q, %q, exit %d", stdout, stderr, code)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("got %q, want %q in it", stderr, want)
				}
			}
		})
	}
}

// A folder that is no link is somebody's own.
func TestHeadersReplaceNoFolder(t *testing.T) {
	root := realTemp(t)
	put(t, root, "/lib/modules/"+release+"/build/mine", "")
	tree(t, root, "/host/usr/src/kernels/"+release, release, "")
	headersOf(t, root, release)
	entries, err := os.ReadDir(filepath.Join(root, "lib/modules", release, "build"))
	if err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v", entries, err)
	}
}

// Debian's own packages, as a machine of Debian's has them and its container sees
// them: whatever the kernel's headers include is found by the paths that BCC uses.
func TestDebianHeaders(t *testing.T) {
	packages := filepath.Join(tools(t), "headers")
	trees, _ := filepath.Glob(filepath.Join(packages, "usr/src/linux-headers-*-common"))
	clang, err := exec.LookPath("clang")
	if len(trees) == 0 || err != nil {
		missing(t, "clang, or kernel headers in %s: .ci/setup test brings them", packages)
	}
	root := realTemp(t)
	common := filepath.Base(trees[len(trees)-1])
	name := strings.TrimSuffix(strings.TrimPrefix(common, "linux-headers-"), "common") + runtime.GOARCH
	if err := os.Mkdir(filepath.Join(root, "host"), 0o755); err != nil {
		t.Fatal(err)
	}
	link(t, root, filepath.Join(packages, "usr"), "/host/usr")

	stdout, stderr, code := headersOf(t, root, name, "--porcelain")
	if source, _, _ := strings.Cut(stdout, "\t"); source != "mount" || code != 0 || stderr != "" {
		t.Fatalf("got %q, %q, exit %d", stdout, stderr, code)
	}
	modules := filepath.Join(root, "lib/modules", name)
	arch := map[string]string{"amd64": "x86", "arm64": "arm64"}[runtime.GOARCH]
	args := []string{"-E", "-o", os.DevNull, "-nostdinc", "-D__KERNEL__", "-xc", "-"}
	for _, dir := range []string{
		"source/arch/" + arch + "/include", "build/arch/" + arch + "/include/generated", "source/include", "build/include",
		"source/arch/" + arch + "/include/uapi", "build/arch/" + arch + "/include/generated/uapi", "source/include/uapi", "build/include/generated/uapi",
	} {
		args = append(args, "-I", filepath.Join(modules, dir))
	}
	cmd := exec.CommandContext(t.Context(), clang, args...)
	cmd.Stdin = strings.NewReader("#include <linux/kconfig.h>\n#include <linux/sched.h>\n#include <uapi/linux/ptrace.h>\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	place, err := filepath.EvalSymlinks(filepath.Join(root, "usr/src", common))
	if err != nil || filepath.Base(place) != common {
		t.Errorf("%s: %s, %v", common, place, err)
	}
}

// tools is where .ci/setup puts what no package installs.
func tools(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("EBPFDEV_TOOLS"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		missing(t, "a cache folder: %v", err)
	}
	return filepath.Join(cache, "ebpfdev/tools")
}

// missing skips a test for want of something, and fails it in CI.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing: "+format, args...)
	}
	t.Skipf("missing: "+format, args...)
}

// What shellcheck knows of the scripts' languages, they heed.
func TestShellScripts(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		missing(t, "shellcheck")
	}
	err := fs.WalkDir(os.DirFS("_src"), ".", func(name string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(name)
		if err != nil || ext != ".sh" && ext != ".bash" {
			return err
		}
		framework, _, _ := strings.Cut(name, "/")
		args := []string{"--external-sources", "--source-path", filepath.Join("_src", framework, "base"), "--severity", "warning"}
		if ext == ".bash" {
			args = append(args, "--shell", "bash", "--exclude", "SC2154") // stimulus and others are the caller's
		}
		if out, err := exec.CommandContext(t.Context(), "shellcheck", append(args, filepath.Join("_src", name))...).CombinedOutput(); err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
