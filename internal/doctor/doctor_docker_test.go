//go:build docker

package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
)

func openEngine(ctx context.Context) (engine.Engine, error) {
	e, err := docker.Open(ctx, docker.Options{Env: os.LookupEnv})
	if err != nil {
		return nil, err // not a nil *docker.Engine in an interface
	}
	return e, nil
}

func realEngine(t *testing.T) engine.Engine {
	t.Helper()
	e, err := openEngine(t.Context())
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// missing ends a test that lacks a part: it is skipped, in CI it fails.
func missing(t *testing.T, why any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func TestDiagnoseTheRealEngine(t *testing.T) {
	e := realEngine(t)
	if _, err := e.InspectImage(t.Context(), DefaultBaseImage); err != nil {
		missing(t, err)
	}
	checks := diagnose(t, New(Options{Engine: openEngine, Probe: goodKernel, Env: os.LookupEnv}), t.TempDir())
	for _, id := range []string{"engine", "engine-privileged", "base-image"} {
		if checks[id].State != api.CheckOK {
			t.Errorf("%+v", checks[id])
		}
	}
	if c := checks["engine-capabilities"]; c.State == api.CheckFail || c.Found == "" {
		t.Errorf("%+v", c)
	}
	for _, id := range []string{"engine-machine", "disk-engine"} {
		if _, there := checks[id]; !there {
			t.Errorf("%s was not looked at", id)
		}
	}
}

// Without any base image an image with nothing in it tells whether privileged
// containers start.
func TestPrivilegedWithoutABaseImage(t *testing.T) {
	realEngine(t)
	d := New(Options{Engine: openEngine, Probe: goodKernel, BaseImages: []string{"registry.invalid/none:1"}})
	checks := diagnose(t, d, "")
	if c := checks["engine-privileged"]; c.State == api.CheckFail {
		t.Errorf("%+v", c)
	}
	if c := checks["base-image"]; c.State != api.CheckWarn || c.Fix != fixCommand {
		t.Errorf("%+v", c)
	}
}

func TestBaseImageFromPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("it fetches packages")
	}
	e := realEngine(t)
	d := New(Options{Engine: openEngine})
	if !d.machine.path("mmdebstrap") {
		missing(t, "no mmdebstrap here")
	}
	ref := "ebpfdev-doctor-" + strings.ToLower(rand.Text()[:10]) + ":test"
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _ = e.RemoveImage(ctx, ref) })
	var lines int
	s := &step{id: idBaseImage, title: "x", fn: func(api.Progress) error { lines++; return nil }}
	if err := importFrom(t.Context(), e, ref, s, d.machine.bootstrap("trixie")); err != nil {
		t.Fatal(err)
	}
	img, err := e.InspectImage(t.Context(), ref)
	if err != nil || img.Labels[baseLabel] != baseLocal || lines < 3 {
		t.Fatalf("image %+v, %d lines, %v", img, lines, err)
	}
	caps, err := engine.Granted(t.Context(), e, engine.ContainerSpec{Image: ref, NetworkMode: "none"})
	if err != nil || len(caps) == 0 {
		t.Errorf("a container of it: %v, %v", caps, err)
	}
}

// A command that fails half-way leaves no image, and the error is its own.
func TestTornImageIsNotKept(t *testing.T) {
	e := realEngine(t)
	ref := "ebpfdev-doctor-" + strings.ToLower(rand.Text()[:10]) + ":torn"
	s := &step{}
	err := importFrom(t.Context(), e, ref, s, cmd("sh", "-c", "head -c 10240 /dev/zero; echo why >&2; exit 3"))
	var tool *api.ToolError
	if !errors.As(err, &tool) || tool.ExitCode != 3 || tool.Stderr != "why" {
		t.Errorf("error %v", err)
	}
	if _, err := e.InspectImage(t.Context(), ref); api.KindOf(err) != api.ErrNotExist {
		t.Errorf("the image is there: %v", err)
	}
	if err := importFrom(t.Context(), e, ref, s, cmd("sh", "-c", "yes not a tar | head -c 1000000")); err == nil {
		t.Error("something that is no tar was imported")
	}
}

func TestBaseImageThatCannotBeMade(t *testing.T) {
	realEngine(t)
	var warned bool
	d := New(Options{Engine: openEngine, BaseImages: []string{"registry.invalid/none:1"}})
	err := d.Apply(t.Context(), api.Fix{ID: idBaseImage, Title: "x"}, func(p api.Progress) error {
		warned = warned || p.State == api.StepWarning
		return nil
	})
	if api.KindOf(err) != api.ErrNotSupported || !warned {
		t.Errorf("error %v, warned %v", err, warned)
	}
}

func TestApplyWhereAllIsThere(t *testing.T) {
	e := realEngine(t)
	if _, err := e.InspectImage(t.Context(), DefaultBaseImage); err != nil {
		missing(t, err)
	}
	d := New(Options{Engine: openEngine})
	for _, id := range []string{idEngine, idBaseImage} {
		var states []api.StepState
		err := d.Apply(t.Context(), api.Fix{ID: id, Title: "x"}, func(p api.Progress) error {
			states = append(states, p.State)
			return nil
		})
		if err != nil || len(states) != 3 || states[1] != api.StepSkipped {
			t.Errorf("%s: %v, %v", id, states, err)
		}
	}
}
