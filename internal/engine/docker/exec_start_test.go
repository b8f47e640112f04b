package docker

import (
	"bytes"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestRefusal(t *testing.T) {
	const oci = "OCI runtime exec failed: exec failed: "
	tests := []struct {
		text string
		code int
		kind api.Kind
		want string
	}{
		{oci + `unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown` + "\r\n", 127, api.ErrNotExist, "exec nosuch: command not found in the container"},
		{oci + `unable to start container process: exec: "/nosuch": stat /nosuch: no such file or directory: unknown`, 127, api.ErrNotExist, "exec nosuch: command not found in the container"},
		{oci + `unable to start container process: exec: "/etc/passwd": permission denied: unknown`, 126, api.ErrFailed, "exec nosuch: it is not an executable file in the container"},
		{oci + `unable to start container process: exec: "/etc": is a directory: unknown`, 126, api.ErrFailed, "exec nosuch: it is not an executable file in the container"},
		{oci + `unable to start container process: chdir to cwd ("/x") set in config.json failed: no such file or directory: unknown`, 126, api.ErrFailed, `exec nosuch: chdir to cwd ("/x") set in config.json failed: no such file or directory`},
		{"unable to find user x: no matching entries in passwd file\n", 126, api.ErrFailed, "exec nosuch: unable to find user x: no matching entries in passwd file"},
	}
	for _, tt := range tests {
		code, err := refusal("nosuch", tt.text)
		if code != tt.code || api.KindOf(err) != tt.kind || err.Error() != tt.want {
			t.Errorf("%q:\n%d %s %v", tt.text, code, api.KindOf(err), err)
		}
	}
}

func TestHoldBackKeepsOnlyAFirstWriteThatReadsLikeARefusal(t *testing.T) {
	const like = "OCI runtime exec failed: exec failed"
	tests := []struct {
		name         string
		writes       []string
		passed, held string
	}{
		{"nothing", nil, "", ""},
		{"a command's output", []string{"a", "b"}, "ab", ""},
		{"a refusal", []string{like}, "", like},
		{"one more write", []string{like, "\nmore"}, like + "\nmore", ""},
		{"not the first", []string{"a", like}, "a" + like, ""},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		h := &holdBack{to: &out}
		for _, w := range tt.writes {
			if n, err := h.Write([]byte(w)); n != len(w) || err != nil {
				t.Errorf("%s: %d, %v", tt.name, n, err)
			}
		}
		if out.String() != tt.passed || string(h.held) != tt.held {
			t.Errorf("%s: passed %q, held %q", tt.name, out.String(), h.held)
		}
		if err := h.release(); err != nil || out.String() != tt.passed+tt.held {
			t.Errorf("%s: released %q, %v", tt.name, out.String(), err)
		}
	}
}
