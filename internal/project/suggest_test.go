package project_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/project"
)

func TestSuggest(t *testing.T) {
	const (
		calls   = "// calls.bt LIBRARY FUNCTION\nuprobe:$1:$2 { }\n"
		tool    = "from bcc import BPF\np.add_argument('library')\np.add_argument('--json')\np.add_argument('more', nargs='*')\n"
		packets = "SEC(\"xdp\")\nint count_packets(void *c) {}\n"
		onCall  = "SEC(\"uprobe\")\nint BPF_KPROBE(on_call, int x) {}\n"
	)
	for _, tt := range []struct {
		name  string
		as    project.Framework
		given project.Settings
		files []string
		told  string
		open  string // reason, ": ", example
	}{
		{"nothing to say", project.Bpftrace, project.Settings{}, []string{"a.bt", "kprobe:f { }"}, "", ""},
		{"a script's arguments", project.Bpftrace, project.Settings{}, []string{"calls.bt", calls}, "", `calls.bt takes 2 arguments: "run": ["bpftrace", "calls.bt", "LIBRARY", "FUNCTION"]`},
		{"one, not explained", project.Bpftrace, project.Settings{}, []string{"a.bt", "kprobe:$1 { }"}, "", `a.bt takes an argument: "run": ["bpftrace", "a.bt", "ARG1"]`},
		{"arguments that may be none", project.Bpftrace, project.Settings{}, []string{"a.bt", "BEGIN { if ($# > 0) { print($1); } }"}, "", ""},
		{"a comment's", project.Bpftrace, project.Settings{}, []string{"a.bt", "// $1\nBEGIN { }"}, "", ""},
		{"the Makefile's", project.Bpftrace, project.Settings{}, []string{"calls.bt", calls, "Makefile", "S := calls.bt\nARGS ?= libc free # why\nrun: build\n\t@echo hello\n\tsudo bpftrace $(S) ${ARGS}\n\nclean:\n\trm x\n"}, `"run": ["bpftrace", "calls.bt", "libc", "free"]`, ""},
		{"a Makefile's that needs a shell", project.Bpftrace, project.Settings{}, []string{"calls.bt", calls, "Makefile", "run:\n\tbpftrace calls.bt libc free | tee log\n"}, "", `calls.bt takes 2 arguments: "run": ["bpftrace", "calls.bt", "LIBRARY", "FUNCTION"]`},
		{"a Makefile's with a variable of two values", project.Bpftrace, project.Settings{}, []string{"calls.bt", calls, "Makefile", "ifdef X\nA = b c\nelse\nA = d e\nendif\nrun:\n\tbpftrace calls.bt $(A)\n"}, "", `calls.bt takes 2 arguments: "run": ["bpftrace", "calls.bt", "LIBRARY", "FUNCTION"]`},
		{"one of several", project.Bpftrace, project.Settings{}, []string{"a.bt", "kprobe:f { }", "b.bt", "kprobe:g { }", "Makefile", "run:\n\tbpftrace b.bt\n"}, `"run": ["bpftrace", "b.bt"]`, ""},
		{"several", project.Bpftrace, project.Settings{}, []string{"a.bt", "kprobe:f { }", "b.bt", "kprobe:g { }"}, "", `the project has 2 bpftrace programs, of which load takes one: "run": ["bpftrace", "a.bt"]`},
		{"they are given", project.Bpftrace, project.Settings{Run: []string{"x"}}, []string{"calls.bt", calls}, "", ""},
		{"Python's arguments", project.BCC, project.Settings{}, []string{"calls.py", tool}, "", `calls.py takes an argument: "run": ["python3", "calls.py", "LIBRARY"]`},
		{"another framework", project.BCC, project.Settings{}, []string{"calls.bt", calls}, "", ""},
		{"an interface", project.Libbpf, project.Settings{}, []string{"x.bpf.c", packets}, "", `count_packets does not say where it is attached: "attach": [{"program": "count_packets", "target": "lo"}]`},
		{"two", project.Libbpf, project.Settings{}, []string{"x.bpf.c", packets + onCall}, "", `count_packets, on_call do not say where they are attached: "attach": [{"program": "count_packets", "target": "lo"}, {"program": "on_call", "target": "libc:malloc"}]`},
		{"the Makefile's interface", project.EBPFGo, project.Settings{}, []string{"x.bpf.c", packets, "Makefile", "AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)\nrun:\n\t$(AS_ROOT) bin/x --interface=eth0\n"}, `"attach": [{"program": "count_packets", "target": "eth0"}]`, ""},
		{"the Makefile's function", project.Libbpf, project.Settings{}, []string{"x.bpf.c", onCall, "Makefile", "run:\n\tbin/x --path libc --symbol free\n"}, `"attach": [{"program": "on_call", "target": "libc:free"}]`, ""},
		{"a place in the section", project.Libbpf, project.Settings{}, []string{"x.bpf.c", "SEC(\"kprobe/f\") int f(void *c) {}"}, "", ""},
		{"attach is given", project.Libbpf, project.Settings{Run: []string{"x"}}, []string{"x.bpf.c", packets}, "", ""},
		{"Rust's", project.Aya, project.Settings{}, []string{"ebpf/src/main.rs", "use aya_ebpf::x;\n#[xdp]\npub fn count(c: X) -> u32 { 0 }\n#[tracepoint(category = \"a\", name = \"b\")]\npub fn f(c: X) -> u32 { 0 }\n"}, "", `count does not say where it is attached: "attach": [{"program": "count", "target": "lo"}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told, open, err := project.Suggest(files(tt.files...), tt.as, tt.given)
			if err != nil {
				t.Fatal(err)
			}
			var settings, lacks []string
			if told.Run != nil {
				settings = append(settings, project.Member("run", told.Run))
			}
			if told.Attach != nil {
				settings = append(settings, project.Member("attach", told.Attach))
			}
			for _, o := range open {
				lacks = append(lacks, o.Reason+": "+o.Example)
			}
			if got := strings.Join(settings, " "); got != tt.told {
				t.Errorf("told %s, want %s", got, tt.told)
			}
			if got := strings.Join(lacks, " "); got != tt.open {
				t.Errorf("open %s, want %s", got, tt.open)
			}
		})
	}
}

func TestGuess(t *testing.T) {
	for name, want := range map[string]project.Framework{
		"src/main.rs": project.Aya, "a.go": project.EBPFGo, "a.c": project.Libbpf, "a.py": project.BCC, "README.md": project.EBPFGo,
	} {
		if got, err := project.Guess(files(name, "")); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if signs := project.Signs(); !slices.ContainsFunc(signs, func(s string) bool { return strings.HasSuffix(s, "(aya)") }) {
		t.Errorf("%q", signs)
	}
}
