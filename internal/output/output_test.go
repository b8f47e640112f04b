package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// hostile is text that would act on a terminal.
const hostile = "a\x1b[2Jb\x07\u009b31mc\u202ed\x7f\r\n\te"

func TestNothingFromOutsideActsOnATerminal(t *testing.T) {
	var b bytes.Buffer
	table := NewTable(Column{Title: "A", Flex: true}, Column{Title: "B"})
	table.Row(hostile, Styled{Red, hostile})
	var fields Fields
	fields.Add("name", hostile)
	csv, err := NewCSV(&b, "x")
	verifier := &api.VerifierError{Program: hostile, Summary: hostile, File: hostile, Line: 1, Source: hostile, Log: hostile, Why: hostile, Fix: hostile}
	tool := &api.ToolError{Tool: hostile, ExitCode: 1, Stderr: hostile}
	err = errors.Join(err,
		table.Write(&b, false, 0), fields.Write(&b, false), csv.Write(hostile), csv.Flush(),
		Error(&b, false, verifier, false), Error(&b, false, tool, false), Error(&b, false, tool, true),
		Error(&b, false, api.Errorf(hostile, hostile, api.ErrFailed, hostile).WithHint(hostile), false),
		JSON(&b, map[string]string{hostile: hostile}), ErrorJSON(&b, verifier, true))
	for _, p := range []Progress{NewPlainProgress(&b, false), NewJSONProgress(&b)} {
		for _, s := range []api.StepState{api.StepStarted, api.StepRunning, api.StepWarning, api.StepSkipped} {
			err = errors.Join(err, p.Update(api.Progress{Step: hostile, Title: hostile, State: s, Line: hostile}))
		}
		p.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e) {
			t.Fatalf("%q is in the output:\n%q", r, b.String())
		}
	}
}

func TestJSONKeepsStrings(t *testing.T) {
	in := hostile + "\U000e0001😀日本<&>"
	var b bytes.Buffer
	if err := JSON(&b, []string{in}); err != nil {
		t.Fatal(err)
	}
	var out []string
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatalf("%v in %s", err, b.String())
	}
	if out[0] != in {
		t.Errorf("%q came back as %q", in, out[0])
	}
	if strings.Contains(b.String(), "\U000e0001") || !strings.Contains(b.String(), "😀日本<&>") {
		t.Errorf("escaped the wrong characters: %s", b.String())
	}
}

func TestTableAligns(t *testing.T) {
	table := NewTable(Column{Title: "ID", Right: true}, Column{Title: "NAME", Flex: true}, Column{Title: "X"})
	table.Row(7, "日本", "a")
	table.Row(1234, "some rather long name", "")
	table.Row(5, "", "z")
	for width, want := range map[int]string{
		0: "  ID  NAME                   X\n   7  日本                   a\n1234  some rather long name\n   5                         z\n",
		// A narrow terminal cuts the flexible column only, and not below its minimum.
		24: "  ID  NAME             X\n   7  日本             a\n1234  some rather lo…\n   5                   z\n",
		5:  "  ID  NAME          X\n   7  日本          a\n1234  some rather…\n   5                z\n",
	} {
		var b bytes.Buffer
		if err := table.Write(&b, false, width); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("width %d:\n%s\nwant\n%s", width, b.String(), want)
		}
	}
}

func TestTableLeavesOutWhatDoesNotFit(t *testing.T) {
	table := NewTable(Column{Title: "ID"}, Column{Title: "SPARE", Spare: true}, Column{Title: "LATER", Spare: true}, Column{Title: "EMPTY"})
	table.Row("a", "b", "c", "")
	for width, want := range map[int]string{
		0:  "ID  SPARE  LATER  EMPTY\na   b      c\n",
		23: "ID  SPARE  LATER  EMPTY\na   b      c\n",
		22: "ID  SPARE  LATER\na   b      c\n",
		15: "ID  LATER\na   c\n",
		3:  "ID\na\n",
		1:  "ID\na\n",
	} {
		var b strings.Builder
		if err := table.Write(&b, false, width); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("at width %d:\n%swant\n%s", width, b.String(), want)
		}
	}
}

func TestTableTakesSafeTextAsItIs(t *testing.T) {
	table := NewTable(Column{Title: "A"})
	table.Row(safe.Line("x\ty"))
	var b bytes.Buffer
	if err := table.Write(&b, true, 0); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b[1mA\x1b[0m\nx\\ty\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestErrorOfATool(t *testing.T) {
	tool := &api.ToolError{Tool: "cc", ExitCode: 1, Stderr: "5%\r100%\nx.c:1: error\n"}
	wrapped := fmt.Errorf("build: %w", tool)
	for _, tt := range []struct {
		name  string
		err   error
		shown bool
		want  string
	}{
		{"not shown", wrapped, false, "100%\nx.c:1: error\nerror: build: cc: exit status 1\n"},
		{"shown", wrapped, true, "error: build: cc: exit status 1\n"},
		{"one line", &api.ToolError{Tool: "cc", ExitCode: 2, Stderr: "no"}, false, "error: cc: exit status 2: no\n"},
		{"silent", &api.ToolError{Tool: "cc", ExitCode: 2}, false, "error: cc: exit status 2\n"},
	} {
		var b bytes.Buffer
		if err := Error(&b, false, tt.err, tt.shown); err != nil {
			t.Fatal(err)
		}
		if b.String() != tt.want {
			t.Errorf("%s:\n%swant\n%s", tt.name, b.String(), tt.want)
		}
	}
}

func TestReportKeepsTheParts(t *testing.T) {
	inner := api.Errorf("load", "probe", api.ErrConflict, "it is loaded").WithHint("ebpfdev load --replace")
	got := Report(api.E("", "", "", inner))
	want := ErrorReport{
		Kind: api.ErrConflict, Op: "load", Object: "probe", Cause: "it is loaded", Hint: "ebpfdev load --replace", ExitCode: 5,
	}
	if got != want {
		t.Errorf("Report = %+v, want %+v", got, want)
	}
	if got := Report(fmt.Errorf("after 3 tries: %w", inner)); got.Cause != "after 3 tries: load probe: it is loaded" || got.Op != "" {
		t.Errorf("Report of a wrapped error = %+v", got)
	}
}

func TestLongLogShowsItsEnd(t *testing.T) {
	var log strings.Builder
	for i := range 100 {
		fmt.Fprintf(&log, "line %d\n", i)
	}
	var b bytes.Buffer
	if err := Error(&b, false, &api.VerifierError{Program: "p", Summary: "no", Log: log.String()}, false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "line 79\n") || !strings.Contains(b.String(), "line 80\n") || !strings.Contains(b.String(), "its end") {
		t.Errorf("printed\n%s", b.String())
	}
}

func TestTTYProgress(t *testing.T) {
	var b bytes.Buffer
	p := &ttyProgress{
		w: &b, width: func() int { return 40 }, stop: make(chan struct{}),
		now: func() time.Time { return time.Unix(100, 0) },
	}
	for _, r := range []api.Progress{
		{Step: "image", Title: "Build the image", State: api.StepStarted},
		{Step: "image", Title: "Build the image", State: api.StepRunning, Line: "Step 1/9", Done: 1 << 20, Total: 4 << 20, Unit: "bytes"},
		{Step: "net", Title: "Network", State: api.StepWarning, Line: "slow"},
		{Step: "image", Title: "Build the image", State: api.StepDone},
		{Step: "hook", Title: "Hooks", State: api.StepSkipped, Line: "none"},
	} {
		if err := p.Update(r); err != nil {
			t.Fatal(err)
		}
	}
	p.Close()
	const up = "\x1b[1A\r\x1b[J"
	want := "⠋ Build the image\n" +
		up + "! Network: slow\n⠋ Build the image 1.0 MiB/4.0 MiB\n" +
		up + "✓ Build the image\n" +
		"- Hooks: none\n"
	if b.String() != want {
		t.Errorf("drew\n%q\nwant\n%q", b.String(), want)
	}
}

func TestTTYProgressRedrawsByItself(t *testing.T) {
	w := &countingWriter{wrote: make(chan struct{}, 64)}
	p := NewTTYProgress(w, true, func() int { return 0 }, false)
	if err := p.Update(api.Progress{Step: "s", Title: "S", State: api.StepStarted}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		<-w.wrote
	}
	p.Close()
}

type countingWriter struct{ wrote chan struct{} }

func (w *countingWriter) Write(p []byte) (int, error) {
	select {
	case w.wrote <- struct{}{}:
	default:
	}
	return len(p), nil
}

func TestUnits(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 5 << 30: "5.0 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		150 * time.Millisecond: "0.1 s", 12 * time.Second: "12 s", 125 * time.Second: "2 min 05 s",
	} {
		if got := Seconds(d); got != want {
			t.Errorf("Seconds(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestChoice(t *testing.T) {
	c := NewChoice(FormatTable, FormatJSON)
	if c.String() != "table" || c.Type() != "table|json" {
		t.Errorf("default %s of %s", c.String(), c.Type())
	}
	if err := c.Set("json"); err != nil || c.Format != FormatJSON {
		t.Errorf("Set: %v, %s", err, c.Format)
	}
	if err := c.Set("csv"); err == nil {
		t.Error("csv is not offered")
	}
}

// A name from outside must not become a line that looks like ours.
func TestAnErrorsObjectStaysOnItsLine(t *testing.T) {
	var b bytes.Buffer
	err := api.Errorf("open", "x\nhint: rm -rf ~", api.ErrUsage, "one\ntwo")
	if werr := Error(&b, false, err, false); werr != nil {
		t.Fatal(werr)
	}
	if want := "error: open x\\nhint: rm -rf ~: one\ntwo\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
