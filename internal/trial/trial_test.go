package trial_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/trial"
)

// container is a workspace whose project's stimulus makes its loader print a line.
type container struct {
	*apitest.FakeWorkspace
	line string // what the loader prints; nothing when empty

	mu      sync.Mutex
	scripts []string
	stirred chan struct{}
	loading bool
}

func newContainer(line string) *container {
	fake := apitest.NewEmptyFake()
	fake.SetInfo(api.SessionInfo{Target: "container", Project: "probe", Dir: "/workspaces/probe"})
	fake.SetLoad(api.LoadResult{Programs: []api.Program{{Type: "xdp", Name: "count"}}, Links: []api.Link{{Type: "xdp", Program: "count"}}})
	return &container{FakeWorkspace: apitest.NewFakeWorkspace(fake), line: line, stirred: make(chan struct{}, 100)}
}

// Exec plays the scripts that a trial runs.
func (c *container) Exec(ctx context.Context, req api.ExecRequest) (int, error) {
	script := req.Args[len(req.Args)-1]
	c.mu.Lock()
	c.scripts = append(c.scripts, script)
	loader := strings.Contains(script, "make run")
	c.loading = c.loading || loader
	if strings.Contains(script, "stimulus") && c.loading {
		c.stirred <- struct{}{}
	}
	c.mu.Unlock()
	if loader {
		return 0, c.load(ctx, req.Streams)
	}
	return c.FakeWorkspace.Exec(ctx, req)
}

// load is the loader: it prints after a stimulus and ends when its input does.
func (c *container) load(ctx context.Context, s api.Streams) error {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, s.In)
		close(ended)
	}()
	for {
		select {
		case <-c.stirred:
			if c.line != "" {
				if _, err := io.WriteString(s.Out, "header\n"+c.line+"\n"); err != nil {
					return err
				}
			}
		case <-ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *container) ran(t *testing.T, part string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.scripts, func(s string) bool { return strings.Contains(s, part) }) {
		t.Errorf("nothing ran %q: %q", part, c.scripts)
	}
}

func template(entry, output string) (api.Template, api.TemplateKind) {
	kind := api.TemplateKind{ID: "xdp", Check: api.TemplateCheck{Map: "counts", Entry: entry, Output: output}}
	return api.Template{ID: "ebpf-go", Kinds: []api.TemplateKind{kind}}, kind
}

func run(t *testing.T, c *container, entry, output string) (trial.Result, error) {
	t.Helper()
	tmpl, kind := template(entry, output)
	tr := trial.Trial{Scaffolder: apitest.NewFakeScaffolder(), Workspace: c, Parent: t.TempDir()}
	return tr.Run(t.Context(), tmpl, kind, func(api.Progress) error { return nil })
}

// A kind that works is seen in the map and in its loader's output, and each
// step's time is told.
func TestRun(t *testing.T) {
	c := newContainer("seen 7")
	value, err := apitest.Datum("__u64", 8, "7")
	if err != nil {
		t.Fatal(err)
	}
	key, err := apitest.Datum("__u32", 4, "1")
	if err != nil {
		t.Fatal(err)
	}
	c.Session.AddMap(api.Map{
		Type: "hash", Name: "counts", KeySize: 4, ValueSize: 8, MaxEntries: 8, KeyType: "__u32", ValueType: "__u64", Readable: true, Project: "probe",
	}, api.Entry{Key: key, Value: value})
	res, err := run(t, c, "^1 7$", "^seen 7$")
	if err != nil {
		t.Fatal(err)
	}
	if res.Error != "" || res.Entry != "1  7" || res.Output != "seen 7" {
		t.Errorf("got %+v", res)
	}
	var steps []string
	for _, s := range res.Steps {
		steps = append(steps, s.Name)
	}
	want := []string{"scaffold", "up", "build", "rebuild", "test", "verify", "load", "map", "unload", "run", "down"}
	if !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	for _, part := range []string{"unshare --net", "make test", "make stimulus", "kill -INT"} {
		c.ran(t, part)
	}
	if data, err := json.Marshal(res); err != nil || !regexp.MustCompile(`"name":"up","took_ns":\d`).Match(data) {
		t.Errorf("JSON: %s, %v", data, err)
	}
}

// What fails ends the trial, is told, and leaves no container behind.
func TestRunFails(t *testing.T) {
	boom := api.Errorf("boom", "it", api.ErrFailed, "broke")
	tests := map[string]struct {
		prepare func(*container)
		entry   string
		want    string
		last    string // the last step before the container is removed
	}{
		"bad expression":  {func(*container) {}, "(", "missing closing", ""},
		"up":              {func(c *container) { c.SetErr("Up", boom) }, ".", "broke", "up"},
		"a command fails": {func(c *container) { c.ExecCode, c.Output = 2, "no rule to make" }, ".", "no rule to make", "build"},
		"refused": {func(c *container) {
			c.Session.SetVerify(api.VerifyResult{Programs: []api.ProgramReport{{Program: "count", Verdict: api.VerdictRejected, Reason: "no good"}}})
		}, ".", "no good", "verify"},
		"two objects": {func(c *container) {
			c.Session.SetBuild(nil, api.BuildResult{Objects: []api.Object{apitest.SampleObject(), apitest.SampleObject()}})
		}, ".", "2 objects", "rebuild"},
		"not attached": {func(c *container) {
			c.Session.SetLoad(api.LoadResult{Programs: []api.Program{{Name: "count"}}, Unattached: []api.Unattached{{Program: "count"}}})
		}, ".", "1 are not attached", "load"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newContainer("x")
			tt.prepare(c)
			res, err := run(t, c, tt.entry, ".")
			if err == nil || !strings.Contains(res.Error, tt.want) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, %+v", err, res)
			}
			if tt.last == "" {
				return
			}
			n := len(res.Steps)
			if n < 2 || res.Steps[n-2].Name != tt.last || res.Steps[n-1].Name != "down" || c.Calls("Down") != 1 {
				t.Errorf("steps %+v, %d downs", res.Steps, c.Calls("Down"))
			}
		})
	}
}

// A cancelled trial ends at once and still removes its container.
func TestRunCancelled(t *testing.T) {
	c := newContainer("x")
	ctx, cancel := context.WithCancel(t.Context())
	tmpl, kind := template(".", ".")
	tr := trial.Trial{Scaffolder: apitest.NewFakeScaffolder(), Workspace: c, Parent: t.TempDir()}
	_, err := tr.Run(ctx, tmpl, kind, func(p api.Progress) error {
		if p.State == api.StepDone && strings.HasSuffix(p.Step, " up") {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || c.Calls("Down") != 1 {
		t.Errorf("got %v, %d downs", err, c.Calls("Down"))
	}
}
