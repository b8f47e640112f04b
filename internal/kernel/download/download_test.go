package download_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel/download"
)

const text = "a file of some bytes"

func sum(s string) string {
	d := sha256.Sum256([]byte(s))
	return hex.EncodeToString(d[:])
}

// server answers every path with the text, but for those with a name of their own.
func server(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	mux.HandleFunc("/gone", http.NotFound)
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "x", http.StatusBadGateway) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, text)
	})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/stalls", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, text[:5])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func TestGet(t *testing.T) {
	url := server(t)
	size := int64(len(text))
	for name, tt := range map[string]struct {
		file  download.File
		kind  api.Kind // empty: it succeeds
		cause string
	}{
		"with a digest":      {download.File{URL: "/x", SHA256: sum(text), Max: size}, "", ""},
		"without":            {download.File{URL: "/x", Max: 1000}, "", ""},
		"a redirection":      {download.File{URL: "/moved", SHA256: sum(text), Max: size}, "", ""},
		"another digest":     {download.File{URL: "/x", SHA256: sum("other"), Max: size}, api.ErrUntrusted, "its SHA-256 is " + sum(text)},
		"too many bytes":     {download.File{URL: "/x", Max: 5}, api.ErrUntrusted, "more than 5 bytes"},
		"one byte too many":  {download.File{URL: "/x", SHA256: sum(text), Max: size - 1}, api.ErrUntrusted, "more than 19 bytes"},
		"one byte too few":   {download.File{URL: "/x", SHA256: sum(text), Max: size + 1}, api.ErrUntrusted, "has 20 bytes instead of 21"},
		"no such file":       {download.File{URL: "/gone", Max: 1000}, api.ErrNotExist, "404"},
		"a broken server":    {download.File{URL: "/broken", Max: 1000}, api.ErrUnreachable, "502"},
		"a cut answer":       {download.File{URL: "/cut", Max: 1000}, api.ErrUnreachable, "unexpected EOF"},
		"no answer":          {download.File{URL: "/silent", Max: 1000}, api.ErrUnreachable, "nothing came for 100ms"},
		"half an answer":     {download.File{URL: "/stalls", Max: 1000}, api.ErrUnreachable, "nothing came for 100ms"},
		"no such server":     {download.File{URL: "http://127.0.0.1:1/x", Max: 1000}, api.ErrUnreachable, "refused"},
		"an address of none": {download.File{URL: "http://[", Max: 1000}, api.ErrUsage, "missing ']'"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(tt.file.URL, "/") {
				tt.file.URL = url + tt.file.URL
			}
			var b bytes.Buffer
			var told int64
			err := download.Client{Stall: 100 * time.Millisecond}.Get(t.Context(), tt.file, &b, func(done, _ int64) error {
				told = done
				return nil
			})
			if api.KindOf(err) != tt.kind || (err != nil && !strings.Contains(err.Error(), tt.cause)) {
				t.Fatalf("got %v", err)
			}
			if err == nil && (b.String() != text || told != size) {
				t.Errorf("got %q; told of %d bytes", b.String(), told)
			}
		})
	}
}

func TestGetIsCancelled(t *testing.T) {
	url := server(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := download.Client{}.Get(ctx, download.File{URL: url + "/stalls", Max: 1000}, writer(func() error { cancel(); return nil }), nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// writer calls a function for each write.
type writer func() error

func (w writer) Write(p []byte) (int, error) { return len(p), w() }

// What a writer or a callback fails with comes back as it is.
func TestGetPassesErrorsOn(t *testing.T) {
	url, own := server(t), errors.New("my own")
	err := download.Client{}.Get(t.Context(), download.File{URL: url, Max: 1000}, writer(func() error { return own }), nil)
	if err != own { //nolint:errorlint // it is to be this very error
		t.Errorf("of the writer: %v", err)
	}
	err = download.Client{}.Get(t.Context(), download.File{URL: url, Max: 1000}, io.Discard, func(int64, int64) error { return own })
	if err != own { //nolint:errorlint // it is to be this very error
		t.Errorf("of the callback: %v", err)
	}
}
