package initramfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/kernel/initramfs"
)

func TestArchive(t *testing.T) {
	var b bytes.Buffer
	w := initramfs.NewWriter(&b)
	w.Device("/dev/console", 5, 1)
	w.File("/init", 0o755, 5, strings.NewReader("hello, too long"))
	w.File("/a/b/c", 0o644, 0, strings.NewReader(""))
	w.Dir("/a/b")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len()%4 != 0 {
		t.Errorf("%d bytes are no multiple of four", b.Len())
	}
	var names []string
	for rest := b.Bytes(); len(rest) > 0; {
		var mode, size, nameSize int
		if _, err := fmt.Sscanf(string(rest[14:22]), "%x", &mode); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Sscanf(string(rest[54:62]), "%x", &size)
		_, _ = fmt.Sscanf(string(rest[94:102]), "%x", &nameSize)
		names = append(names, fmt.Sprintf("%s %o %d", rest[110:110+nameSize-1], mode, size))
		rest = rest[(110+nameSize+3)/4*4+(size+3)/4*4:]
	}
	want := "dev 40755 0|dev/console 20600 0|init 100755 5|a 40755 0|a/b 40755 0|a/b/c 100644 0|TRAILER!!! 0 0"
	if got := strings.Join(names, "|"); got != want {
		t.Errorf("the archive holds\n%s, want\n%s", got, want)
	}
	listed(t, b.Bytes())
}

// listed asks cpio itself, where it is.
func listed(t *testing.T, archive []byte) {
	cmd := exec.CommandContext(t.Context(), "cpio", "-t", "--quiet")
	cmd.Stdin = bytes.NewReader(archive)
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return
	}
	if err != nil || string(out) != "dev\ndev/console\ninit\na\na/b\na/b/c\n" {
		t.Errorf("cpio lists %q, %v", out, err)
	}
}

func TestErrors(t *testing.T) {
	w := initramfs.NewWriter(io.Discard)
	w.File("short", 0o644, 10, strings.NewReader("x"))
	w.File("next", 0o644, 1, strings.NewReader("x"))
	if err := w.Close(); !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "short") {
		t.Errorf("a file that is too short: %v", err)
	}
	w = initramfs.NewWriter(io.Discard)
	w.File("huge", 0o644, 1<<33, strings.NewReader(""))
	if err := w.Close(); err == nil {
		t.Error("a file of 8 GiB was taken")
	}
}
