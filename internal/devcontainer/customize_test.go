package devcontainer

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

var settings = struct {
	Framework string `json:"framework"`
}{"aya"}

func TestCustomize(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"no customizations": {
			"{\n  \"image\": \"x\"\n}\n",
			"{\n  \"image\": \"x\",\n  \"customizations\": {\n    \"ebpfdev\": {\n      \"framework\": \"aya\"\n    }\n  }\n}\n",
		},
		"customizations of others": {
			"{\n  \"customizations\": {\n    \"vscode\": {}\n  },\n  \"image\": \"x\"\n}",
			"{\n  \"customizations\": {\n    \"vscode\": {},\n    \"ebpfdev\": {\n      \"framework\": \"aya\"\n    }\n  },\n  \"image\": \"x\"\n}",
		},
		"a comment behind the last member stays with it": {
			"{\n  \"image\": \"x\" // why\n  // end\n}\n",
			"{\n  \"image\": \"x\", // why\n  // end\n  \"customizations\": {\n    \"ebpfdev\": {\n      \"framework\": \"aya\"\n    }\n  }\n}\n",
		},
		"trailing comma": {
			"{\n\t\"image\": \"x\", // why\n}\n",
			"{\n\t\"image\": \"x\", // why\n\t\"customizations\": {\n\t\t\"ebpfdev\": {\n\t\t\t\"framework\": \"aya\"\n\t\t}\n\t}\n}\n",
		},
		"on one line": {
			`{"image": "x"}`,
			`{"image": "x", "customizations": {"ebpfdev":{"framework":"aya"}}}`,
		},
		"empty customizations": {
			"{\n  \"image\": \"x\",\n  \"customizations\": {}\n}\n",
			"{\n  \"image\": \"x\",\n  \"customizations\": {\n    \"ebpfdev\": {\n      \"framework\": \"aya\"\n    }\n  }\n}\n",
		},
		"byte order mark, raw tab, CRLF": {
			"\ufeff{\r\n  \"image\": \"a\tb\"\r\n}\r\n",
			"\ufeff{\r\n  \"image\": \"a\tb\",\r\n  \"customizations\": {\r\n    \"ebpfdev\": {\r\n      \"framework\": \"aya\"\r\n    }\r\n  }\r\n}\r\n",
		},
		"a comment alone in customizations": {
			"{\n  \"image\": \"x\",\n  \"customizations\": {\n    // none yet\n  }\n}\n",
			"{\n  \"image\": \"x\",\n  \"customizations\": {\n    // none yet\n    \"ebpfdev\": {\n      \"framework\": \"aya\"\n    }\n  }\n}\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Customize("devcontainer.json", []byte(tt.in), "ebpfdev", settings)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestCustomizeRefuses(t *testing.T) {
	tests := map[string]struct {
		in   string
		kind error
		want string
	}{
		"there already": {"{\n\"customizations\": {\"ebpfdev\": {}}}", api.ErrConflict, "devcontainer.json:2:"},
		"no object":     {`{"customizations": []}`, api.ErrUsage, "devcontainer.json:1:"},
		"broken":        {`{`, api.ErrUsage, "devcontainer.json:1:"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Customize("devcontainer.json", []byte(tt.in), "ebpfdev", settings)
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Whatever the text, what comes out says what went in and the settings, and
// loses nothing.
func FuzzCustomize(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1,}`, "{\n\t\"a\":\"\t\" /* x */ , // y\n}", `{"customizations":{"x":{},}}`, "\ufeff{ // a\n}", `{"customizations":{},"customizations":{"b":1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := Customize("f", data, "ebpfdev", settings)
		if err != nil {
			return
		}
		before, err := parseDocument("f", data)
		if err != nil {
			t.Fatal(err)
		}
		after, err := parseDocument("f", out)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, out, err)
		}
		want := before.root
		custom, _ := want["customizations"].(map[string]any)
		if custom == nil {
			custom = map[string]any{}
		}
		custom["ebpfdev"] = map[string]any{"framework": "aya"}
		want["customizations"] = custom
		if a, b := mustJSON(t, want), mustJSON(t, after.root); !reflect.DeepEqual(a, b) {
			t.Errorf("%q became %q: %s, want %s", data, out, b, a)
		}
		if !subsequence(data, out) {
			t.Errorf("%q lost something: %q", data, out)
		}
	})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// subsequence reports whether all bytes of part but white space are in whole, in order.
func subsequence(part, whole []byte) bool {
	for _, c := range part {
		if bytes.IndexByte([]byte(" \t\r\n"), c) >= 0 {
			continue
		}
		i := bytes.IndexByte(whole, c)
		if i < 0 {
			return false
		}
		whole = whole[i+1:]
	}
	return true
}

func TestExtend(t *testing.T) {
	const in = "{\n  \"customizations\": {\n    \"ebpfdev\": {\n      // why\n      \"framework\": \"bcc\" // this\n    }\n  }\n}\n"
	got, err := Extend("f", []byte(in), "ebpfdev", "run", []string{"a"})
	want := strings.Replace(in, `"bcc" // this`, "\"bcc\", // this\n      \"run\": [\n        \"a\"\n      ]", 1)
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	for text, kind := range map[string]error{
		in:                                    api.ErrConflict,
		`{}`:                                  api.ErrNotExist,
		`{"customizations": []}`:              api.ErrUsage,
		`{"customizations": {}}`:              api.ErrNotExist,
		`{"customizations": {"ebpfdev": []}}`: api.ErrUsage,
		`{`:                                   api.ErrUsage,
	} {
		if _, err := Extend("f", []byte(text), "ebpfdev", "framework", "x"); !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %v", text, err, kind)
		}
	}
}
