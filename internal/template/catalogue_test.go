package template

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// small is a catalogue of two kinds that shows every mechanism.
func small() fstest.MapFS {
	return fstest.MapFS{
		"shared/template.json":      {Data: []byte(`{"name":"Shared","description":"d","render":["NOTICE"]}`)},
		"shared/files/NOTICE":       {Data: []byte("# @include who\n")},
		"shared/files/raw.bin":      {Data: []byte("shared")},
		"shared/sections/who":       {Data: []byte("nobody\n# @include size\n")},
		"shared/sections/size":      {Data: []byte("${templateOption:image_size} ${templateOption:map} ${templateOption:level}\n")},
		"fw/sections/who":           {Data: []byte("the framework\n# @include size\n")},
		"fw/kinds/two/sections/who": {Data: []byte("kind two, ${templateOption:color}\n")},
		"fw/template.json": {Data: []byte(`{"name":"Framework","description":"d","render":["README.md",".devcontainer/devcontainer.json"],
			"executable":["run.sh"],"values":{"color":"red"},"image_size":"1 GB",
			"options":[{"name":"level","description":"how much","default":"3","pattern":"[0-9]+"}]}`)},
		"fw/base/README.md":                       {Data: []byte("# ${templateOption:name} ${templateOption:color}\n<!-- @include about -->\n")},
		"fw/base/go.mod.template":                 {Data: []byte("module x\n")},
		"fw/base/raw.bin":                         {Data: []byte("\xff\xfe${templateOption:name}")},
		"fw/base/run.sh":                          {Data: []byte("#!/bin/sh\n")},
		"fw/base/.devcontainer/devcontainer.json": {Data: []byte("{\n// @if host-network\n\"net\": \"host\",\n// @end\n\"name\": \"${templateOption:name}\"}\n")},
		"fw/kinds/one/template.json":              {Data: []byte(`{"name":"One","description":"first","min_kernel":"5.8","check":{"map":"m","entry":"e","output":"o"}}`)},
		"fw/kinds/one/sections/about":             {Data: []byte("about one\n")},
		"fw/kinds/two/template.json":              {Data: []byte(`{"name":"Two","description":"second","values":{"color":"blue"}}`)},
		"fw/kinds/two/sections/about":             {Data: []byte("about two\n")},
		"fw/kinds/two/files/raw.bin":              {Data: []byte("two")},
		"fw/kinds/two/files/deep/er/x":            {Data: []byte("x")},
	}
}

func catalogue(t *testing.T, fsys fs.FS) *Catalogue {
	t.Helper()
	c, err := New(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request(name, kind string) api.ScaffoldRequest {
	return api.ScaffoldRequest{Name: name, Template: "fw", Kind: kind}
}

func TestTemplates(t *testing.T) {
	list, err := catalogue(t, small()).Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].ID != "fw" || list[0].Name != "Framework" || len(list[0].Kinds) != 2 {
		t.Fatalf("got %+v", list)
	}
	want := api.TemplateKind{
		ID: "one", Name: "One", Description: "first", MinKernel: "5.8", Check: api.TemplateCheck{Map: "m", Entry: "e", Output: "o"},
		Options: []api.TemplateOption{{Name: "level", Description: "how much", Default: "3"}},
	}
	if got := list[0].Kinds[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// One framework may be before the others, which are in the alphabet's order.
func TestFirstTemplate(t *testing.T) {
	f := small()
	for _, id := range []string{"aa", "zz"} {
		first := id == "zz"
		f[id+"/template.json"] = &fstest.MapFile{Data: fmt.Appendf(nil, `{"name":"x","description":"d","first":%t}`, first)}
		f[id+"/kinds/one/template.json"] = &fstest.MapFile{Data: []byte(`{"name":"x","description":"d"}`)}
	}
	list, err := catalogue(t, f).Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, tmpl := range list {
		ids = append(ids, tmpl.ID)
	}
	if want := []string{"zz", "aa", "fw"}; !slices.Equal(ids, want) {
		t.Errorf("got %q, want %q", ids, want)
	}
}

func TestNewRefuses(t *testing.T) {
	tests := map[string]struct {
		change func(fstest.MapFS)
		want   string
	}{
		"no manifest":             {func(f fstest.MapFS) { delete(f, "fw/template.json") }, "fw/template.json"},
		"broken manifest":         {func(f fstest.MapFS) { f["fw/template.json"].Data = []byte("{") }, "fw/template.json"},
		"shared without manifest": {func(f fstest.MapFS) { delete(f, "shared/template.json") }, "shared/template.json"},
		"default that its pattern refuses": {func(f fstest.MapFS) {
			f["fw/kinds/one/template.json"].Data = []byte(`{"name":"x","description":"y","options":[{"name":"n","description":"d","default":"x","pattern":"[0-9]"}]}`)
		}, `option "n"`},
		"unknown key":      {func(f fstest.MapFS) { f["fw/template.json"].Data = []byte(`{"nam":"x"}`) }, `"nam"`},
		"no description":   {func(f fstest.MapFS) { f["fw/kinds/one/template.json"].Data = []byte(`{"name":"x"}`) }, "description"},
		"kind no manifest": {func(f fstest.MapFS) { delete(f, "fw/kinds/one/template.json") }, "fw/kinds/one/template.json"},
		"no kinds": {func(f fstest.MapFS) {
			for name := range f {
				if strings.HasPrefix(name, "fw/kinds/") {
					delete(f, name)
				}
			}
		}, "kinds"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := small()
			tt.change(f)
			_, err := New(f)
			if !errors.Is(err, api.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one about %s", err, tt.want)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	files, err := catalogue(t, small()).plan(t.Context(), request("probe", "two"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".devcontainer/devcontainer.json", "NOTICE", "README.md", "deep/er/x", "go.mod", "raw.bin", "run.sh"}
	if !slices.Equal(paths(files), want) {
		t.Fatalf("got %q, want %q", paths(files), want)
	}
	text := map[string]string{}
	for _, f := range files {
		text[f.path] = string(f.data)
		if exec := f.mode&0o111 != 0; exec != (f.path == "run.sh") {
			t.Errorf("%s has mode %v", f.path, f.mode)
		}
	}
	if got := text["README.md"]; got != "# probe blue\nabout two\n" {
		t.Errorf("README.md: got %q", got)
	}
	if got := text["NOTICE"]; got != "kind two, blue\n" {
		t.Errorf("NOTICE: got %q", got)
	}
	if got := text["raw.bin"]; got != "two" {
		t.Errorf("the kind's file lost: got %q", got)
	}
}

// What is not listed for rendering is copied byte for byte.
func TestPlanCopiesBytes(t *testing.T) {
	files, err := catalogue(t, small()).plan(t.Context(), request("probe", "one"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.Index(paths(files), "raw.bin")
	if got := string(files[i].data); got != "\xff\xfe${templateOption:name}" {
		t.Errorf("got %q", got)
	}
}

func TestPlanRefusesBrokenTemplates(t *testing.T) {
	tests := map[string]func(fstest.MapFS){
		"render of nothing":     func(f fstest.MapFS) { delete(f, "fw/base/README.md") },
		"executable of nothing": func(f fstest.MapFS) { delete(f, "fw/base/run.sh") },
		"unknown section":       func(f fstest.MapFS) { delete(f, "fw/kinds/one/sections/about") },
		"sections in a circle":  func(f fstest.MapFS) { f["fw/kinds/one/sections/about"].Data = []byte("# @include about\n") },
		"unknown option":        func(f fstest.MapFS) { f["fw/base/README.md"].Data = []byte("${templateOption:x}") },
		"symlink": func(f fstest.MapFS) {
			f["fw/base/link"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("run.sh")}
		},
		"device": func(f fstest.MapFS) { f["fw/base/dev"] = &fstest.MapFile{Mode: fs.ModeDevice} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			f := small()
			change(f)
			if _, err := catalogue(t, f).plan(t.Context(), request("probe", "one")); !errors.Is(err, api.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRequestsRefused(t *testing.T) {
	c := catalogue(t, small())
	names := []string{
		"", ".", "..", "../x", "a/b", "/abs", `a\b`, "-x", "_x", "1x", "a b", "a\nb", "a\x00", "a\x1b[2J", "ä", "a.b", "$(id)", "a;b",
		"%2e%2e", "CON", "com1", strings.Repeat("a", 65),
	}
	for _, name := range names {
		_, err := c.Preview(t.Context(), request(name, "one"))
		if !errors.Is(err, api.ErrUsage) {
			t.Errorf("name %q: got %v", name, err)
		} else if strings.ContainsAny(err.Error(), "\n\x00\x1b") {
			t.Errorf("name %q: raw in %q", name, err)
		}
	}
	for _, name := range []string{"a", "A-b_9", strings.Repeat("a", 64)} {
		if _, err := c.Preview(t.Context(), request(name, "one")); err != nil {
			t.Errorf("name %q: %v", name, err)
		}
	}
	bad := request("probe", "three")
	if _, err := c.Preview(t.Context(), bad); !errors.Is(err, api.ErrUsage) || !strings.Contains(err.Error(), "one, two") {
		t.Errorf("kind: got %v", err)
	} else if got, want := api.HintOf(err), "ebpfdev new probe --template fw --kind one"; got != want {
		t.Errorf("hint %q, want %q", got, want)
	}
	bad = request("probe", "one")
	bad.Template = "fw/../fw"
	if _, err := c.Preview(t.Context(), bad); !errors.Is(err, api.ErrUsage) {
		t.Errorf("template: got %v", err)
	}
}

func TestPreview(t *testing.T) {
	c := catalogue(t, small())
	req := request("probe", "one")
	req.Options = api.ContainerOptions{LeastPrivilege: true, PrivatePID: true, HostNetwork: true}
	req.Folder = "/src/it's here"
	p, err := c.Preview(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := `ebpfdev new probe --template fw --kind one --least-privilege --private-pid --host-network --workspace-folder '/src/it'\''s here'`
	if p.Command != want {
		t.Errorf("got  %s\nwant %s", p.Command, want)
	}
	if want := "{\n\"net\": \"host\",\n\"name\": \"probe\"}\n"; p.Devcontainer != want {
		t.Errorf("got %q", p.Devcontainer)
	}
	if !slices.Contains(p.Files, "go.mod") {
		t.Errorf("got %q", p.Files)
	}
	req = request("probe", "one")
	req.Folder = "probe"
	if p, err := c.Preview(t.Context(), req); err != nil || p.Command != "ebpfdev new probe --template fw --kind one" {
		t.Errorf("got %q, %v", p.Command, err)
	}
}

func TestCancelledBefore(t *testing.T) {
	c := catalogue(t, small())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Templates(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Templates: %v", err)
	}
	if _, err := c.Preview(ctx, request("probe", "one")); !errors.Is(err, context.Canceled) {
		t.Errorf("Preview: %v", err)
	}
}

// A section is the kind's, else the framework's, else everybody's, and may
// include others.
func TestSections(t *testing.T) {
	req := request("probe", "one")
	req.Values = map[string]string{"level": "7"}
	files, err := catalogue(t, small()).plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.Index(paths(files), "NOTICE")
	if got, want := string(files[i].data), "the framework\n1 GB m 7\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestValuesRefused(t *testing.T) {
	tests := map[string]struct {
		name, value, want, hint string
	}{
		"misspelt":                  {"leevl", "7", `fw/one has no option "leevl"; it has level`, "ebpfdev new probe --template fw --kind one --option level=7"},
		"bad value":                 {"level", "x", `option level cannot be "x": how much`, "ebpfdev new probe --template fw --kind one --option level=3"},
		"injection":                 {"level", "7\"; rm", `option level cannot be`, "ebpfdev new probe --template fw --kind one --option level=3"},
		"line break":                {"level", "7\n", `option level cannot be "7\n"`, "ebpfdev new probe --template fw --kind one --option level=3"},
		"a value that is no option": {"color", "green", `no option "color"`, "ebpfdev templates show fw/one"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := request("probe", "one")
			req.Values = map[string]string{tt.name: tt.value}
			_, err := catalogue(t, small()).Preview(t.Context(), req)
			if !errors.Is(err, api.ErrUsage) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if got := api.HintOf(err); got != tt.hint {
				t.Errorf("hint %q, want %q", got, tt.hint)
			}
		})
	}
}

func TestNearNamesAreSuggested(t *testing.T) {
	tests := map[string]struct{ framework, kind, want string }{
		"kind":         {"fw", "twoo", "ebpfdev new probe --template fw --kind two"},
		"framework":    {"wf", "two", "ebpfdev new probe --template fw --kind two"},
		"nothing near": {"zzzzzzz", "zzzzzz", "ebpfdev new probe --template fw --kind one"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := api.ScaffoldRequest{Name: "probe", Template: tt.framework, Kind: tt.kind}
			_, err := catalogue(t, small()).Preview(t.Context(), req)
			if got := api.HintOf(err); got != tt.want {
				t.Errorf("%v: hint %q, want %q", err, got, tt.want)
			}
		})
	}
}

// A new kind is a folder and nothing else: no Go code and no file of its framework
// knows it.
func TestANewKindIsAFolder(t *testing.T) {
	f := small()
	f["fw/kinds/three/template.json"] = &fstest.MapFile{Data: []byte(`{"name":"Three","description":"third"}`)}
	f["fw/kinds/three/sections/about"] = &fstest.MapFile{Data: []byte("about three\n")}
	f["fw/kinds/three/files/three.c"] = &fstest.MapFile{Data: []byte("int three;\n")}
	p, err := catalogue(t, f).Preview(t.Context(), request("probe", "three"))
	if err != nil || !slices.Contains(p.Files, "three.c") {
		t.Errorf("got %q, %v", p.Files, err)
	}
}
