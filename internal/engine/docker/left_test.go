package docker

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// answering is an engine that a test plays: what a real one answers at the
// wrong moment cannot be had from it.
func answering(t *testing.T, answer http.HandlerFunc) *Engine {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.45")
		if strings.HasSuffix(r.URL.Path, "/_ping") {
			return
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	e, err := Open(t.Context(), Options{Host: "tcp://" + server.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// noneLeft fails when a goroutine stays in a function.
func noneLeft(t *testing.T, function string) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for deadline := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		left := strings.Count(string(buf[:runtime.Stack(buf, true)]), function+"(")
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left in %s", left, function)
		}
	}
}

// TestRefusedBuildLeavesNothing has an engine refuse a folder that it did not
// read.
func TestRefusedBuildLeavesNothing(t *testing.T) {
	e := answering(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1)
		http.Error(w, `{"message":"no"}`, http.StatusInternalServerError)
	})
	dir := t.TempDir()
	for name, size := range map[string]int{"Dockerfile": 0, "big": 32 << 20} {
		data := append([]byte("FROM scratch\n"), make([]byte, size)...)
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if img, err := e.BuildImage(t.Context(), engine.BuildSpec{Context: dir, Tag: "refused"}, nil); err == nil {
		t.Fatalf("it was built: %+v", img)
	}
	noneLeft(t, "buildcontext.(*Context).Stream.func1")
}

// TestWaitThatIsGivenUpLeavesNothing gives waits up around the moment when their
// answer comes.
func TestWaitThatIsGivenUpLeavesNothing(t *testing.T) {
	e := answering(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"StatusCode":3}`) })
	for i := range 3000 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%300)*time.Microsecond)
		if code, err := e.WaitContainer(ctx, "some"); err == nil && code != 3 {
			t.Fatalf("code %d", code)
		}
		cancel()
	}
	noneLeft(t, "(*Client).ContainerWait.func1")
}
