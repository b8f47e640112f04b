package workspace

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// TestBinaryIsStreamed reads archives of executables of awkward sizes, twice and
// after another file took the executable's place.
func TestBinaryIsStreamed(t *testing.T) {
	for _, size := range []int{4, 511, 512, 513, 100_000} {
		name := filepath.Join(t.TempDir(), "program")
		data := append([]byte("\x7fELF"), bytes.Repeat([]byte{7}, size-4)...)
		if err := os.WriteFile(name, data, 0o700); err != nil {
			t.Fatal(err)
		}
		b, err := openBinary(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if b.sum != hex.EncodeToString(sum[:]) {
			t.Errorf("%d bytes: the sum is %s", size, b.sum)
		}
		for range 2 {
			archive, err := b.tar()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string][]byte{}
			r := tar.NewReader(archive)
			for {
				h, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%d bytes: %v", size, err)
				}
				if got[h.Name], err = io.ReadAll(r); err != nil {
					t.Fatalf("%d bytes: %s: %v", size, h.Name, err)
				}
			}
			if _, link := got["current"]; len(got) != 3 || !link || !bytes.Equal(got[b.sum+"/ebpfdev"], data) {
				t.Errorf("%d bytes: the archive holds %d files", size, len(got))
			}
		}
	}
}

func TestBinaryHasToBeAProgram(t *testing.T) {
	name := filepath.Join(t.TempDir(), "script")
	for _, text := range []string{"", "#!", "#!/bin/sh\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openBinary(name); !errors.Is(err, api.ErrNotSupported) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// endless is a container whose binary is a file of a tebibyte.
type endless struct{ engine.Engine }

func (endless) CopyFrom(context.Context, string, string) (io.ReadCloser, error) {
	var head bytes.Buffer
	err := tar.NewWriter(&head).WriteHeader(&tar.Header{Name: "ebpfdev", Typeflag: tar.TypeReg, Mode: 0o755, Size: 1 << 40})
	return io.NopCloser(io.MultiReader(&head, zeros{})), err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestEndlessBinaryIsRefused: a container cannot keep the host reading.
func TestEndlessBinaryIsRefused(t *testing.T) {
	err := verify(t.Context(), endless{}, "container", &agentBinary{size: 4, sum: "00"})
	if !errors.Is(err, api.ErrConflict) {
		t.Errorf("%v", err)
	}
}
