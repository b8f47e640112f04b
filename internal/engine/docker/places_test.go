package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func envOf(pairs map[string]string) environ {
	return func(k string) (string, bool) { v, ok := pairs[k]; return v, ok }
}

// contextDir writes a docker command's folder whose current context is name.
func contextDir(t *testing.T, name, meta string) string {
	t.Helper()
	dir := t.TempDir()
	sum := sha256.Sum256([]byte(name))
	folder := filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(dir, "config.json"):  `{"currentContext":"` + name + `"}`,
		filepath.Join(folder, "meta.json"): meta,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPlacesInOrder(t *testing.T) {
	dir := contextDir(t, "colima", `{"Name":"colima","Endpoints":{"docker":{"Host":"unix:///c.sock"}}}`)
	tests := []struct {
		name, host string
		env        map[string]string
		want       string
	}{
		{"the given host", "unix:///given", map[string]string{"DOCKER_HOST": "unix:///env"}, "unix:///given (the given host)"},
		{"DOCKER_HOST before the context", "", map[string]string{"DOCKER_HOST": "unix:///env", "DOCKER_CONFIG": dir}, "unix:///env (DOCKER_HOST)"},
		{"the current context", "", map[string]string{"DOCKER_CONFIG": dir}, "unix:///c.sock (context colima)"},
		{"DOCKER_CONTEXT", "", map[string]string{"DOCKER_CONFIG": dir, "DOCKER_CONTEXT": "default"}, "unix:///var/run/docker.sock unix:///run/podman/podman.sock"},
		{
			"the sockets", "",
			map[string]string{"XDG_RUNTIME_DIR": "/run/user/7", "HOME": "/h"},
			"unix:///var/run/docker.sock unix:///run/user/7/docker.sock unix:///h/.docker/run/docker.sock unix:///run/user/7/podman/podman.sock unix:///run/podman/podman.sock",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			places, err := envOf(tt.env).places(tt.host)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range places {
				got = append(got, p.String())
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "config.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(t.TempDir(), "closed.sock")
	l, err := net.Listen("unix", closed)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	tests := []struct {
		name, host string
		env        map[string]string
		kind       api.Kind
		text       string
	}{
		{"no socket", "unix:///no/such/socket", nil, api.ErrEnvironment, "/no/such/socket"},
		{"nobody listens", "unix://" + closed, nil, api.ErrEnvironment, "nobody listens"},
		{"garbage", "garbage", nil, api.ErrUsage, "garbage"},
		{"garbage from DOCKER_HOST", "", map[string]string{"DOCKER_HOST": "http:/x"}, api.ErrUsage, "DOCKER_HOST"},
		{"unknown scheme", "ftp://x", nil, api.ErrUsage, "ftp"},
		{"ssh", "ssh://me@there", nil, api.ErrNotSupported, "ssh"},
		{"open TCP", "tcp://192.0.2.1:2375", nil, api.ErrUntrusted, "TLS"},
		{"no such context", "", map[string]string{"DOCKER_CONTEXT": "none", "DOCKER_CONFIG": t.TempDir()}, api.ErrEnvironment, "no such context"},
		{"context without docker", "", map[string]string{"DOCKER_CONFIG": contextDir(t, "k", `{"Endpoints":{}}`)}, api.ErrEnvironment, "no docker endpoint"},
		{"broken settings", "", map[string]string{"DOCKER_CONFIG": broken}, api.ErrEnvironment, "config.json"},
		{"no certificates", "tcp://127.0.0.1:1", map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": t.TempDir()}, api.ErrEnvironment, "127.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(t.Context(), Options{Host: tt.host, Env: envOf(tt.env)})
			if api.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v of kind %q", err, api.KindOf(err))
			}
		})
	}
}

func TestVirtualMachine(t *testing.T) {
	tests := []struct {
		os, system, name, host string
		want                   bool
	}{
		{"linux", "Debian GNU/Linux 13", "vm", "unix:///var/run/docker.sock", false},
		{"darwin", "Alpine", "x", "", true},
		{"linux", "Docker Desktop", "docker-desktop", "", true},
		{"linux", "Ubuntu", "colima", "", true},
	}
	for _, tt := range tests {
		if got := inVirtualMachine(tt.os, tt.system, tt.name, tt.host); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// serve answers every request on a socket.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ebpfdev-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	srv.Start()
	t.Cleanup(srv.Close)
	return "unix://" + l.Addr().String()
}

func TestEngineThatIsTooOld(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.30") })
	_, err := Open(t.Context(), Options{Host: host})
	if api.KindOf(err) != api.ErrNotSupported || !strings.Contains(err.Error(), "1.30") {
		t.Errorf("error %v", err)
	}
}

func TestSomethingElseAnswers(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>no", http.StatusTeapot) })
	if _, err := Open(t.Context(), Options{Host: host}); api.KindOf(err) != api.ErrEnvironment {
		t.Errorf("error %v", err)
	}
}

func TestOpenCanBeGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := time.Now()
	host := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		asked = time.Now()
		cancel()
		<-r.Context().Done()
	})
	if _, err := Open(ctx, Options{Host: host}); !errors.Is(err, context.Canceled) || time.Since(asked) > time.Second {
		t.Errorf("error %v after %v", err, time.Since(asked))
	}
}
