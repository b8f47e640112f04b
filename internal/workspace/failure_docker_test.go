//go:build docker

package workspace_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestFailuresLeaveNothing(t *testing.T) {
	for name, c := range map[string]struct {
		json, dockerfile string
		kind             api.Kind
		cause            string
	}{
		"no Dockerfile": {`{"build": {"dockerfile": "Nope"}}`, dockerfile, api.ErrNotExist, "no such Dockerfile"},
		"failing RUN":   {config, dockerfile + "RUN echo sorry; exit 3\n", api.ErrTool, "sorry"},
		"bad bind": {
			strings.Replace(config, `"mounts": [`, `"mounts": ["type=bind,source=/no/such/path,target=/x",`, 1),
			dockerfile, "", "/no/such/path",
		},
		"bad volume": {
			strings.Replace(config, `"mounts": [`, `"mounts": ["type=volume,source=wst-bad-${devcontainerId},target=/x,volume-opt=type=nosuchfs,volume-opt=device=x",`, 1),
			dockerfile, "", "",
		},
		"unknown runtime": {strings.Replace(config, `"mounts"`, `"runArgs": ["--runtime=nope"], "mounts"`, 1), dockerfile, "", "nope"},
		"no shell":        {`{"image": "ebpfdev/scratch:latest"}`, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, c.json, c.dockerfile)
			_, err := f.up(api.UpRequest{})
			if err == nil {
				t.Fatal("up succeeded")
			}
			t.Logf("%v (hint: %s)", err, api.HintOf(err))
			if (c.kind != "" && !errors.Is(err, c.kind)) || !strings.Contains(err.Error(), c.cause) {
				t.Errorf("error: %v (%s)", err, api.KindOf(err))
			}
			for _, left := range f.left(t.Context()) {
				if !strings.HasSuffix(left, ".lock") {
					t.Errorf("left: %s", left)
				}
			}
		})
	}
}

func TestCancelTakesBack(t *testing.T) {
	for _, at := range []string{"image", "create", "start", "agent", "hook postCreateCommand"} {
		t.Run(at, func(t *testing.T) {
			f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"postCreateCommand": "echo go; cat /dev/zero >/dev/null", "remoteUser"`, 1), dockerfile)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := f.w.Up(ctx, api.UpRequest{Folder: f.folder}, func(p api.Progress) error {
				if p.Step == at && (p.State == api.StepRunning || at != "hook postCreateCommand") {
					cancel()
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("up: %v", err)
			}
			for _, left := range f.left(t.Context()) {
				if strings.HasPrefix(left, "container") || strings.HasPrefix(left, "volume") {
					t.Errorf("left: %s", left)
				}
			}
		})
	}
}

func TestAFeatureIsRefusedByName(t *testing.T) {
	f := newFixture(t, `{"image": "`+base+`", "features": {"ghcr.io/x/y": {}}}`, "")
	if _, err := f.up(api.UpRequest{}); !errors.Is(err, api.ErrNotSupported) || !strings.Contains(err.Error(), "devcontainer.json:1:45") {
		t.Errorf("up: %v", err)
	}
	if status, err := f.w.Status(t.Context(), api.StatusRequest{Folder: f.folder}); err != nil || status.State != "none" {
		t.Errorf("status: %+v, %v", status, err)
	}
}
