package buildcontext

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStream(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"here/.dockerignore": "out\nadded", "here/src/main.c": "int x;", "here/out/big.o": "o",
		"elsewhere/Dockerfile": "FROM a\n", "secret": "s",
	})
	if err := os.Symlink("../secret", filepath.Join(dir, "here", "link")); err != nil {
		t.Skip(err) // Windows, for those who may not
	}
	dockerfile := filepath.Join(dir, "elsewhere", "Dockerfile")
	c, err := Open(filepath.Join(dir, "here"), dockerfile, map[string][]byte{"added": []byte("new")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Path != dockerfile || !slices.Equal(c.Dockerfile.Bases, []string{"a"}) {
		t.Errorf("Dockerfile %s of %v", c.Path, c.Dockerfile.Bases)
	}
	stream := c.Stream(t.Context())
	defer stream.Close()
	var names []string
	content := map[string]string{}
	for r := tar.NewReader(stream); ; {
		hdr, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, hdr.Name)
		content[hdr.Name] = string(text) + hdr.Linkname
		if hdr.Uid != 0 || hdr.Uname != "" {
			t.Errorf("%s belongs to %d %q", hdr.Name, hdr.Uid, hdr.Uname)
		}
	}
	if want := []string{c.Name, "added", ".dockerignore", "link", "src/", "src/main.c"}; !slices.Equal(names, want) {
		t.Errorf("the tar has %v, want %v", names, want)
	}
	if content[c.Name] != "FROM a\n" || content["added"] != "new" || content["link"] != "../secret" {
		t.Errorf("content %v", content)
	}
	if c.Sent() == 0 {
		t.Error("nothing was counted")
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, "", nil); !errors.Is(err, api.ErrNotExist) {
		t.Errorf("without a Dockerfile: %v", err)
	}
	write(t, dir, map[string]string{"Dockerfile": "FROM a\n", ".dockerignore": "[z-a]"})
	if _, err := Open(dir, "", nil); !errors.Is(err, api.ErrUsage) {
		t.Errorf("with a bad pattern: %v", err)
	}
}
