//go:build docker

package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
)

// folder writes a build context.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// build builds a folder and removes the image at the end.
func build(t *testing.T, e *docker.Engine, spec engine.BuildSpec) (engine.Image, []api.Progress, error) {
	t.Helper()
	if spec.Tag == "" {
		spec.Tag = unique(t) + ":test"
	}
	t.Cleanup(func() {
		if err := e.RemoveImage(after(t), spec.Tag); err != nil {
			t.Error(err)
		}
	})
	var seen []api.Progress
	img, err := e.BuildImage(t.Context(), spec, func(p api.Progress) error {
		seen = append(seen, p)
		return nil
	})
	return img, seen, err
}

func TestBuild(t *testing.T) {
	e := openBase(t)
	dir := folder(t, map[string]string{
		".devcontainer/Dockerfile": "# syntax=docker/dockerfile:1\nARG BASE\nFROM ${BASE} AS first\nARG WORD\nCOPY . /src\nRUN echo word=$WORD; ls -A /src; cat /src/link\nFROM first\nENV STAGE=second\n",
		".dockerignore":            "*.secret\nlogs\n!logs/keep\n.git\n",
		"kept":                     "kept\n", "a.secret": "x", "logs/drop": "x", "logs/keep": "x", ".git/config": "x",
	})
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "outside")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("kept", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	makePipe(t, filepath.Join(dir, "pipe"))
	img, seen, err := build(t, e, engine.BuildSpec{
		Context: dir, Dockerfile: ".devcontainer/Dockerfile", NoCache: true,
		Args: map[string]string{"BASE": baseImage, "WORD": "some thing"}, Labels: map[string]string{"test.ebpfdev": `a "b" c`},
	})
	if err != nil {
		t.Fatal(err)
	}
	if img.Labels["test.ebpfdev"] != `a "b" c` || !slices.Contains(img.Env, "STAGE=second") || img.Arch == "" {
		t.Errorf("image %+v", img)
	}
	var lines []string
	for _, p := range seen {
		if p.Step == "image" {
			lines = append(lines, p.Line)
		}
	}
	out := strings.Join(lines, "\n")
	for _, want := range []string{"word=some thing", "\nkept\n", "link", "outside", "logs"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, unwanted := range []string{"a.secret", ".git\n", "pipe"} {
		if strings.Contains(out, unwanted) {
			t.Errorf("%q in\n%s", unwanted, out)
		}
	}
	last := seen[len(seen)-1]
	if seen[0].State != api.StepStarted || last.State != api.StepDone {
		t.Errorf("from %+v to %+v", seen[0], last)
	}
	if before := seen[len(seen)-2]; before.Total < 6 || before.Done != before.Total || before.Unit != "steps" {
		t.Errorf("steps: %+v", before)
	}
}

func TestBuildThatFails(t *testing.T) {
	e := openBase(t)
	tests := []struct {
		name, dockerfile string
		kind             api.Kind
		text             string
	}{
		{"a command", "FROM " + baseImage + "\nRUN echo before; exit 42\n", api.ErrTool, "42"},
		{"a word that is no instruction", "FROM " + baseImage + "\nRUNN true\n", api.ErrInvalid, "RUNN"},
		{"a file that is not there", "FROM " + baseImage + "\nCOPY nothing /\n", api.ErrNotExist, "nothing"},
		{"BuildKit", "FROM " + baseImage + "\nRUN --mount=type=cache,target=/x true\n", api.ErrNotSupported, "RUN --mount (line 2) needs BuildKit"},
		{"another language", "# syntax=example.com/other\nFROM " + baseImage + "\n", api.ErrNotSupported, "BuildKit"},
		{"a registry that cannot be reached", "FROM registry.invalid/none:1\n", api.ErrEnvironment, "registry"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, seen, err := build(t, e, engine.BuildSpec{Context: folder(t, map[string]string{"Dockerfile": tt.dockerfile})})
			wantKind(t, err, tt.kind)
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v has no %q", err, tt.text)
			}
			if len(seen) > 0 && seen[len(seen)-1].State != api.StepFailed {
				t.Errorf("last report %+v", seen[len(seen)-1])
			}
			if hint := api.HintOf(err); tt.name == "BuildKit" && !strings.Contains(hint, "/Dockerfile ") {
				t.Errorf("%s would look for the Dockerfile where it is run", hint)
			}
			var tool *api.ToolError
			if tt.kind == api.ErrTool && (!errors.As(err, &tool) || tool.ExitCode != 42 || !strings.Contains(tool.Stderr, "before")) {
				t.Errorf("tool error %+v", tool)
			}
		})
	}
	_, _, err := build(t, e, engine.BuildSpec{Context: t.TempDir()})
	wantKind(t, err, api.ErrNotExist)
}

func TestDockerfileBesideTheContext(t *testing.T) {
	e := openBase(t)
	files := folder(t, map[string]string{"sub/Dockerfile": "FROM " + baseImage + "\nCOPY here /here\n", "context/here": "x"})
	_, _, err := build(t, e, engine.BuildSpec{Context: filepath.Join(files, "context"), Dockerfile: filepath.Join(files, "sub", "Dockerfile")})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBuildCanBeCancelled(t *testing.T) {
	e := openBase(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := folder(t, map[string]string{"Dockerfile": "FROM " + baseImage + "\nRUN echo now; sleep 600\n"})
	var asked time.Time
	_, err := e.BuildImage(ctx, engine.BuildSpec{Context: dir, Tag: unique(t), NoCache: true}, func(p api.Progress) error {
		if p.Line == "now" {
			asked = time.Now()
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || time.Since(asked) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(asked))
	}
}

func TestBuildStopsWithTheCallback(t *testing.T) {
	e := openBase(t)
	stop := errors.New("enough")
	dir := folder(t, map[string]string{"Dockerfile": "FROM " + baseImage + "\nRUN echo now\nRUN sleep 600\n"})
	_, err := e.BuildImage(t.Context(), engine.BuildSpec{Context: dir, Tag: unique(t), NoCache: true}, func(p api.Progress) error {
		if p.Line == "now" {
			return stop
		}
		return nil
	})
	if err != stop { //nolint:errorlint // it must be this very error
		t.Errorf("error %v", err)
	}
}

func TestPullWithoutARegistry(t *testing.T) {
	e := open(t)
	err := e.PullImage(t.Context(), "registry.invalid/none:1", func(api.Progress) error { return nil })
	wantKind(t, err, api.ErrEnvironment)
	if api.HintOf(err) != "ebpfdev doctor --fix" {
		t.Errorf("hint %q", api.HintOf(err))
	}
	err = e.PullImage(t.Context(), "Not A Name", nil)
	if err == nil {
		t.Error("no error for a name that is none")
	}
}

func TestImport(t *testing.T) {
	e := open(t)
	ref := unique(t) + ":test"
	t.Cleanup(func() { _ = e.RemoveImage(after(t), ref) })
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	if err := tw.WriteHeader(&tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	_ = tw.Close()
	img, err := e.ImportImage(t.Context(), ref, map[string]string{"a.b": `x "y" $z \z`, "c": ""}, &buf)
	if err != nil {
		t.Fatal(err)
	}
	if img.Labels["a.b"] != `x "y" $z \z` || !slices.Contains(img.Tags, ref) || len(img.Env) != 1 {
		t.Errorf("image %+v", img)
	}
	broken := errors.New("the packages are gone")
	_, err = e.ImportImage(t.Context(), ref+"-broken", nil, io.MultiReader(bytes.NewReader(make([]byte, 512)), failing{broken}))
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	_, err = e.InspectImage(t.Context(), ref+"-broken")
	wantKind(t, err, api.ErrNotExist)
	_, err = e.ImportImage(t.Context(), ref+"-broken", nil, strings.NewReader(strings.Repeat("not a tar ", 1000)))
	if err == nil {
		t.Error("something that is no tar was imported")
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
