package docker

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// What engines and their runtimes really say.
func TestClassify(t *testing.T) {
	tests := []struct {
		cause string
		kind  api.Kind
		caps  bool
	}{
		{"OCI runtime create failed: container_linux.go:380: starting container process caused: apply caps: operation not permitted: unknown", api.ErrNotSupported, true},
		{"failed to create shim: OCI runtime create failed: runc create failed: unable to start container process: unable to apply caps: operation not permitted: unknown", api.ErrNotSupported, true},
		{`invalid CapAdd: unknown capability: "CAP_BPF"`, api.ErrNotSupported, true},
		{`invalid CapAdd: capability not supported by your kernel or not available in the current environment: "CAP_SYS_RESOURCE"`, api.ErrNotSupported, true},
		{"error setting rlimit type 8: operation not permitted", api.ErrNotSupported, false},
		{"write /x: no space left on device", api.ErrEnvironment, false},
		{"Container abc is paused, unpause the container before exec", api.ErrConflict, false},
		{"something else", api.ErrFailed, false},
	}
	for _, tt := range tests {
		err := classify("start container", "x", tt.cause, errors.New(tt.cause))
		if err.Kind != tt.kind || errors.Is(err, engine.ErrCapabilities) != tt.caps {
			t.Errorf("%s: kind %q, capabilities %v", tt.cause, err.Kind, errors.Is(err, engine.ErrCapabilities))
		}
	}
}

func TestRegistryFault(t *testing.T) {
	tests := []struct {
		cause, hint string
		kind        api.Kind
	}{
		{`Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host`, hintDoctor, api.ErrEnvironment},
		{`Get "https://registry-1.docker.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)`, hintDoctor, api.ErrEnvironment},
		{`Get "https://registry-1.docker.io/v2/": EOF`, hintDoctor, api.ErrEnvironment},
		{`Get "https://registry-1.docker.io/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`, hintDoctor, api.ErrEnvironment},
		{"toomanyrequests: You have reached your pull rate limit", "docker login", api.ErrEnvironment},
		{"pull access denied for x, repository does not exist or may require 'docker login'", "", api.ErrNotExist},
		{"manifest for debian:none not found: manifest unknown: manifest unknown", "", api.ErrNotExist},
		{"unauthorized: authentication required", "docker login", api.ErrPermission},
		{"failed to register layer: write /x: no space left on device", "docker system df", api.ErrEnvironment},
		{"The command '/bin/sh -c false' returned a non-zero code: 1", "", api.ErrFailed},
	}
	for _, tt := range tests {
		got := registryFault(api.Errorf("pull image", "x", api.ErrFailed, tt.cause))
		if got.Kind != tt.kind || got.Hint != tt.hint {
			t.Errorf("%s: kind %q, hint %q", tt.cause, got.Kind, got.Hint)
		}
	}
}

// The words are the engine's; that a container was killed for its memory it
// records only now and then, so this cannot be had from a real one at will.
func TestExecInAContainerThatRanOutOfMemory(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/exec"):
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`{"message":"Container abc is not running"}`))
		case strings.HasSuffix(r.URL.Path, "/containers/abc/json"):
			_, _ = w.Write([]byte(`{"Id":"abc","State":{"Status":"exited","OOMKilled":true,"ExitCode":137}}`))
		}
	})
	e, err := Open(t.Context(), Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Exec(t.Context(), "abc", engine.ExecSpec{Cmd: []string{"true"}})
	if api.KindOf(err) != api.ErrConflict || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("error %v", err)
	}
}
