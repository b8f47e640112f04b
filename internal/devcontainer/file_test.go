package devcontainer

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestFind(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("{}")}
	for name, c := range map[string]struct {
		files []string
		want  string
		kind  api.Kind
	}{
		"first":           {[]string{".devcontainer/devcontainer.json", ".devcontainer.json", ".devcontainer/a/devcontainer.json"}, ".devcontainer/devcontainer.json", ""},
		"second":          {[]string{".devcontainer.json", ".devcontainer/a/devcontainer.json"}, ".devcontainer.json", ""},
		"only subfolder":  {[]string{".devcontainer/a/devcontainer.json"}, ".devcontainer/a/devcontainer.json", ""},
		"two subfolders":  {[]string{".devcontainer/a/devcontainer.json", ".devcontainer/b/devcontainer.json"}, "", api.ErrUsage},
		"none":            {[]string{"README.md"}, "", api.ErrNotExist},
		"too deep":        {[]string{".devcontainer/a/b/devcontainer.json"}, "", api.ErrNotExist},
		"file in the way": {[]string{".devcontainer"}, "", api.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			folder := fstest.MapFS{}
			for _, path := range c.files {
				folder[path] = file
			}
			got, err := Find(folder)
			if got != c.want || (c.kind == "") != (err == nil) || (c.kind != "" && !errors.Is(err, c.kind)) {
				t.Errorf("Find: %q, %v", got, err)
			}
		})
	}
}

// Of several the error says which, and its hint leaves one.
func TestFindSaysHowToChoose(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("{}")}
	_, err := Find(fstest.MapFS{".devcontainer/a/devcontainer.json": file, ".devcontainer/b c/devcontainer.json": file})
	const want = "find devcontainer.json: there are several: .devcontainer/a/devcontainer.json, .devcontainer/b c/devcontainer.json; " +
		"ebpfdev takes .devcontainer/devcontainer.json, or the only one in a folder there; to choose the first, rename the others"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if got := api.HintOf(err); got != "mv '.devcontainer/b c/devcontainer.json' '.devcontainer/b c/devcontainer.json.off'" {
		t.Errorf("hint %s", got)
	}
}

func TestParseAccepts(t *testing.T) {
	for name, text := range map[string]string{
		"plain":           `{"image":"x"}`,
		"comments":        "// a\n{/* b */\"image\": \"x\" // c\n}\n// d",
		"trailing comma":  `{"image":"x",}`,
		"byte order mark": "\ufeff{\"image\":\"x\"}",
		"CRLF":            "{\r\n\"image\": \"x\"\r\n}\r\n",
		"raw tab":         "{\"image\":\"x\", \"name\": \"a\tb\"}",
		"last duplicate":  `{"image":"y","image":"x"}`,
		"comment in text": `{"image":"x","name":"// no /* comment"}`,
		"invalid UTF-8":   "{\"image\":\"x\",\"name\":\"\xff\"}",
		"old properties":  `{"dockerFile":"Dockerfile","context":".."}`,
		"unknown":         `{"image":"x","somethingNew":{"a":1}}`,
		"no features":     `{"image":"x","features":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("d.json", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			config, err := f.Config(Variables{})
			if err != nil || (config.Image != "x" && config.Build == nil) {
				t.Errorf("%+v, %v", config, err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		at   string // line:column
		kind api.Kind
		says string
	}{
		"empty":           {"", "1:1", api.ErrUsage, "object"},
		"only a comment":  {"// x\n", "2:1", api.ErrUsage, ""},
		"array":           {"[]", "1:1", api.ErrUsage, "object"},
		"missing comma":   {"{\n  \"image\": \"x\"\n  \"name\": \"y\"\n}", "3:3", api.ErrUsage, "invalid character"},
		"missing colon":   {`{"image" "x"}`, "1:10", api.ErrUsage, ""},
		"truncated":       {`{"image": "x"`, "1:14", api.ErrUsage, ""},
		"text after":      {"{\"image\":\"x\"}\nrest", "2:1", api.ErrUsage, ""},
		"NUL":             {"{\"image\":\"x\"\x00}", "1:13", api.ErrUsage, ""},
		"after a raw tab": {"{\"image\":\"x\ty\", oops}", "1:17", api.ErrUsage, ""},
		"open comment":    {"{\"image\":\"x\"} /*", "1:15", api.ErrUsage, ""},
		"wrong type":      {"{\n  \"image\": \"x\",\n  \"privileged\": \"yes\"\n}", "3:17", api.ErrUsage, `"privileged" must be true or false, not a string`},
		"wrong element":   {"{\"image\":\"x\",\n\"runArgs\": [\"--init\", 1]}", "2:23", api.ErrUsage, `"runArgs"[1] must be a string`},
		"wrong command":   {"{\"image\":\"x\",\n \"postCreateCommand\": 5}", "2:23", api.ErrUsage, "postCreateCommand"},
		"bad mount":       {"{\"image\":\"x\",\n \"mounts\": [\"type=bind,target=/x\"]}", "2:13", api.ErrUsage, "needs a source"},
		"bad enumeration": {`{"image":"x","userEnvProbe":"sometimes"}`, "1:29", api.ErrUsage, "must be one of"},
		"no image":        {`{"name":"x"}`, "1:1", api.ErrUsage, `"image"`},
		"compose":         {"{\n\"dockerComposeFile\": \"c.yml\"}", "2:22", api.ErrNotSupported, "dockerComposeFile"},
		"features":        {"{\"image\":\"x\",\n\"features\": {\"a\": {}}}", "2:13", api.ErrNotSupported, "features"},
		"build option":    {`{"build":{"dockerfile":"D","options":["--squash"]}}`, "1:38", api.ErrNotSupported, "--squash"},
		"build property":  {`{"build":{"dockerfile":"D","ssh":"x"}}`, "1:34", api.ErrNotSupported, "ssh"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("d.json", []byte(c.text))
			if c.kind == api.ErrNotSupported && err == nil {
				err = f.Unsupported
			}
			if !errors.Is(err, c.kind) {
				t.Fatalf("error %v of kind %q", err, api.KindOf(err))
			}
			if want := "read d.json:" + c.at + ": "; !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q, want %q… with %q", err, want, c.says)
			}
		})
	}
}

func TestDeepNestingIsRefusedAtOnce(t *testing.T) {
	for _, open := range []string{"[", `{"a":`} {
		text := []byte(strings.Repeat(open, 1_400_000/len(open)))
		best := time.Hour
		for range 5 {
			start := time.Now()
			if _, err := Parse("d.json", text); !errors.Is(err, api.ErrUsage) {
				t.Fatalf("%s: %v", open, err)
			}
			best = min(best, time.Since(start))
		}
		if best > 100*time.Millisecond {
			t.Errorf("%s: took %v", open, best)
		}
	}
	if _, err := Parse("d.json", make([]byte, maxSize+1)); !errors.Is(err, api.ErrUsage) {
		t.Errorf("too large: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	f, err := Parse("d.json", []byte("{\n\"image\": \"x\",\n\"image\": \"y\",\n\"remoteuser\": \"dev\",\n\"other\": 1,\n\"$schema\": \"s\"\n}"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`d.json:3:1: "image" is given twice, the last one counts`,
		`d.json:5:10: property "other" is not known and has no effect`,
		`d.json:4:15: property "remoteuser" is not known and has no effect; "remoteUser" is meant`,
	}
	if !reflect.DeepEqual(f.Warnings, want) {
		t.Errorf("warnings: %q", f.Warnings)
	}
	if f.Raw["other"] == nil {
		t.Error("the unknown property was dropped")
	}
}

func TestLargeFileIsQuick(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"image":"x","containerEnv":{`)
	for i := range 10_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"KEY%d":"v","SAME":"v"`, i)
	}
	b.WriteString("}}")
	best := time.Hour // the machine may be busy with other things
	for range 5 {
		start := time.Now()
		if _, err := Parse("d.json", []byte(b.String())); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	if best > 200*time.Millisecond {
		t.Errorf("took %v", best)
	}
}

func TestHookForms(t *testing.T) {
	f, err := Parse("d.json", []byte(`{"image":"x",
		"onCreateCommand": "a ${localWorkspaceFolder}",
		"updateContentCommand": ["b", "c"],
		"postCreateCommand": {"two": ["d"], "one": "e", "none": ""},
		"postStartCommand": "  ",
		"postAttachCommand": []}`))
	if err != nil {
		t.Fatal(err)
	}
	config, err := f.Config(Variables{LocalFolder: "/w"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Hook{
		OnCreate:      {{Shell: "a /w"}},
		UpdateContent: {{Args: []string{"b", "c"}}},
		PostCreate:    {{Name: "one", Shell: "e"}, {Name: "two", Args: []string{"d"}}},
	}
	if !reflect.DeepEqual(config.Hooks, want) {
		t.Errorf("hooks: %+v", config.Hooks)
	}
}

func TestPlace(t *testing.T) {
	for name, c := range map[string]struct {
		json, folder, root string
		want               Place
	}{
		"default":   {`{"image":"x"}`, "/a/b", "/a/b", Place{"/workspaces/b", "type=bind,source=/a/b,target=/workspaces/b"}},
		"in a tree": {`{"image":"x"}`, "/a/b/c", "/a/b", Place{"/workspaces/b/c", "type=bind,source=/a/b,target=/workspaces/b"}},
		"comma":     {`{"image":"x"}`, "/a,b", "/a,b", Place{"/workspaces/a,b", `type=bind,"source=/a,b","target=/workspaces/a,b"`}},
		"own": {
			`{"image":"x","workspaceFolder":"/src","workspaceMount":"source=${localWorkspaceFolder},target=${containerWorkspaceFolder},type=bind"}`,
			"/a/b", "/a/b",
			Place{"/src", "source=/a/b,target=/src,type=bind"},
		},
		"none": {`{"image":"x","workspaceMount":"","workspaceFolder":"/w"}`, "/a", "/a", Place{"/w", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("d.json", []byte(c.json))
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Place(c.folder, c.root, "", Variables{LocalFolder: c.folder})
			if err != nil || got != c.want {
				t.Errorf("Place: %+v, %v", got, err)
			}
			if got.Mount != "" {
				if _, err := ParseMount(got.Mount); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"image":"x"}`, "\ufeff{}", "{/*", `{"a":[{}],}`, `{"mounts":["a=b,c"],"runArgs":["-e"]}`, "//", "/*/", `"`, "{\"\t\":1,\"\\",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f", data)
		if err != nil {
			var known *api.Error
			if !errors.As(err, &known) {
				t.Errorf("error without a kind: %v", err)
			}
			return
		}
		if _, err := file.Merge(file.NewMetadata(nil), Variables{LocalFolder: "/w", ID: "id"}); err != nil && api.KindOf(err) == api.ErrFailed {
			t.Errorf("merge: %v", err)
		}
	})
}
