package project_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
)

// named returns "line kind target" of what a project names.
func named(t testing.TB, attach []api.AttachOption, pairs ...string) []string {
	t.Helper()
	points, err := project.Points(files(pairs...), attach, nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range points {
		list = append(list, fmt.Sprintf("%d %s %s", p.Line, p.Kind, p.Target))
	}
	return list
}

func TestPointsOfC(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"a tracepoint", "\nSEC(\"tracepoint/sched/sched_switch\")\nint f(void *ctx) { return 0; }", []string{"2 tracepoint sched/sched_switch"}},
		{"short names", `SEC("tp/a/b") int f(void *c) {} SEC("raw_tp/c") int g(void *c) {}`, []string{"1 tracepoint a/b", "1 raw_tracepoint c"}},
		{"BTF", `SEC("tp_btf/sched_switch") int BPF_PROG(f, int x) {} SEC("fexit.s/vfs_read") int BPF_PROG(g) {}`, []string{"1 raw_tracepoint sched_switch", "1 fentry vfs_read"}},
		{"probes", `SEC("kretprobe/vfs_read") int f(void *c) {} SEC("ksyscall/execve") int g(void *c) {}`, []string{"1 ksyscall execve", "1 kprobe vfs_read"}},
		{"uprobes", `SEC("uprobe//bin/bash:readline") int f(void *c) {} SEC("uretprobe/libc.so.6:malloc") int g(void *c) {}`, []string{"1 uprobe /bin/bash:readline", "1 uprobe libc.so.6:malloc"}},
		{"spread over lines", "SEC(\n\t\"tp/a/b\"\n)\nint f(void *c) {}", []string{"1 tracepoint a/b"}},
		{"BCC's macros", "TRACEPOINT_PROBE(sched, sched_switch) {}\nRAW_TRACEPOINT_PROBE(sys_enter) {}", []string{"1 tracepoint sched/sched_switch", "2 raw_tracepoint sys_enter"}},
		{"after a condition", "#ifdef X\n#if Y\n#endif\n#endif\nSEC(\"tp/a/b\") int f(void *c) {}", []string{"5 tracepoint a/b"}},
		{"an optional program", `SEC("?tp/a/b") int f(void *c) {}`, nil},
		{"comments", "// SEC(\"tp/a/b\") int f\n/* SEC(\"tp/a/b\")\nint f */ // \\\nSEC(\"tp/a/b\")", nil},
		{"a condition", "#if LINUX > 5\nSEC(\"tp/a/b\") int f(void *c) {}\n#else\nSEC(\"tp/a/c\") int f(void *c) {}\n#endif", nil},
		{"a macro", "#define P(x) \\\n SEC(\"tp/a/b\") int x(void *c)\nSEC(\"tp/\" NAME) int f(void *c) {}\nSEC(NAME) int g(void *c) {}", nil},
		{"a string", `char *s = "SEC(\"tp/a/b\") int f"; char q = '"'; char *z = "SEC(";`, nil},
		{"other kinds", `SEC("xdp") int f(void *c) {} SEC("kprobe.multi/vfs_*") int g(void *c) {} SEC(".maps") x; SEC("usdt/a:b:c") int h(void *c) {}`, nil},
		{"no target", `SEC("tracepoint") int f(void *c) {}`, nil},
		{"not closed", `SEC("tp/a/b`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := named(t, nil, "bpf/x.bpf.c", tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

const goHead = "package main\nimport \"github.com/cilium/ebpf/link\"\nfunc f() {\n"

func TestPointsOfGo(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"a tracepoint", goHead + "l, err := link.Tracepoint(\"sched\", `sched_switch`, p, nil)\nif err != nil { panic(err) }\n}", []string{"4 tracepoint sched/sched_switch"}},
		{"in the head of an if", goHead + `if x, err = link.Tracepoint("a", "b", p, nil); err != nil { return }` + "\n}", []string{"4 tracepoint a/b"}},
		{"another name", "package main\nimport bpf \"github.com/cilium/ebpf/link\"\nfunc f() { bpf.Tracepoint(\"a\", \"b\", p, nil) }", []string{"3 tracepoint a/b"}},
		{"a uprobe", goHead + `ex, err := link.OpenExecutable("/bin/bash")` + "\n" + `ex.Uretprobe("readline", p, &link.UprobeOptions{PID: 1})` + "\n}", []string{"5 uprobe /bin/bash:readline"}},
		{"an address", goHead + `ex, err := link.OpenExecutable("/bin/bash")` + "\n" + `ex.Uprobe("x", p, &link.UprobeOptions{Address: 1})` + "\n}", nil},
		{"options from elsewhere", goHead + `ex, err := link.OpenExecutable("/bin/bash")` + "\n" + `ex.Uprobe("x", p, opts)` + "\n}", nil},
		{"a path from elsewhere", goHead + `ex, err := link.OpenExecutable(path)` + "\n" + `ex.Uprobe("x", p, nil)` + "\n}", nil},
		{"two executables", goHead + `ex, err := link.OpenExecutable("/bin/bash")` + "\n" + `ex, err = link.OpenExecutable("/bin/zsh")` + "\n" + `ex.Uprobe("x", p, nil)` + "\n}", nil},
		{"a choice", goHead + `l, err := link.Tracepoint("a", "new", p, nil)` + "\n" + `if err != nil { l, err = link.Tracepoint("a", "old", p, nil) }` + "\n}", nil},
		{"a condition", goHead + `switch x { case 1: link.Tracepoint("a", "b", p, nil) }` + "\n}", nil},
		{"put together", goHead + `link.Tracepoint("a", "b"+x, p, nil)` + "\n}", nil},
		{"comments", goHead + `// link.Tracepoint("a", "b", p, nil)` + "\n}", nil},
		{"another package", "package main\nimport \"example.org/link\"\nfunc f() { link.Tracepoint(\"a\", \"b\", p, nil) } // \"github.com/cilium/ebpf/link\"", nil},
		{"no Go", goHead + "((((", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := named(t, nil, "main.go", tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPointsOfRust(t *testing.T) {
	const head = "use aya::programs::TracePoint;\n"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"an attribute", "use aya_ebpf::programs::TracePointContext;\n#[tracepoint(category = \"sched\", name = \"sched_switch\")]\npub fn f(ctx: TracePointContext) -> u32 { 0 }", []string{"2 tracepoint sched/sched_switch"}},
		{"an attribute with a condition", "use aya_ebpf::programs::TracePointContext;\n#[cfg(feature = \"x\")]\n#[tracepoint(category = \"sched\", name = \"sched_switch\")]\npub fn f(ctx: TracePointContext) -> u32 { 0 }", nil},
		{"a tracepoint", head + "fn main() {\nlet p: &mut TracePoint = x;\np.attach(\"sched\", \"sched_switch\")?;\n}", []string{"4 tracepoint sched/sched_switch"}},
		{"a comma at the end", head + "fn f<'a>(x: &'a str) { p.attach(\n\"a\",\n\"b\",\n)?; }", []string{"2 tracepoint a/b"}},
		{"after a block", head + "fn f() { if x { y(); }\np.attach(\"a\", \"b\")?; }", []string{"3 tracepoint a/b"}},
		{"a condition", head + "fn f() { if x { p.attach(\"a\", \"b\")?; } else { p.attach(\"a\", \"c\")?; } }", nil},
		{"in the head of an if", head + "fn f() { if let Err(e) = p.attach(\"a\", \"b\") { p.attach(\"a\", \"c\")?; } }", nil},
		{"tests", head + "#[cfg(test)]\nmod tests { fn f() { p.attach(\"a\", \"b\")?; } }", nil},
		{"comments", head + "// p.attach(\"a\", \"b\")\n/* /* */ p.attach(\"a\", \"b\") */", nil},
		{"strings", head + "fn f() { let s = r#\"\" p.attach(\"a\", \"b\") \"#; let c = '\"'; let d = '\\''; let e = \"\n.attach(\"; }", nil},
		{"more arguments", head + "fn f() { p.attach(\"malloc\", \"libc\", None)?; p.attach(\"a\", 0)?; }", nil},
		{"no tracepoint", "fn f() { p.attach(\"a\", \"b\")?; }", nil},
		{"braces that were not opened", head + "}}} p.attach(\"a\", \"b\")", []string{"2 tracepoint a/b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := named(t, nil, "src/main.rs", tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPointsOfBpftrace(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"probes", "#!/usr/bin/env bpftrace\nBEGIN { printf(\"{ kprobe:x {\"); }\ntracepoint:sched:sched_switch /pid == 1/ { @[comm] = count(); }\nkprobe:vfs_read\n{ }\n", []string{"3 tracepoint sched/sched_switch", "4 kprobe vfs_read"}},
		{"short names", "t:a:b { } k:f { } u:/bin/bash:readline { }\nrt:sys_enter { }", []string{"1 uprobe /bin/bash:readline", "1 tracepoint a/b", "1 kprobe f", "2 raw_tracepoint sys_enter"}},
		{"a list", "tracepoint:a:b,\ntracepoint:a:c /x > 1, 2/ { }", []string{"1 tracepoint a/b", "2 tracepoint a/c"}},
		{"quotes", "uprobe:\"/opt/a b/x\":main { }", []string{"1 uprobe /opt/a b/x:main"}},
		{"after a struct", "#include <linux/path.h>\nstruct x { int y; };\nkprobe:f { }", []string{"3 kprobe f"}},
		{"after settings", "config = { max_map_keys=1 }\nkprobe:f { if (x) { y(\"}\"); } } kretprobe:g { }", []string{"2 kprobe f", "2 kprobe g"}},
		{"names of several kernels", "kprobe:old, kprobe:new { }", nil},
		{"patterns", "kprobe:vfs_* { } tracepoint:syscalls:sys_enter_* { } uprobe:/bin/*:x { }", nil},
		{"comments", "// kprobe:f { }\n/* kprobe:f { } */", nil},
		{"in a block", "BEGIN { kprobe:f; /* } */ // }\n printf(\"\\\"} kprobe:g { }\"); }", nil},
		{"missing ones are expected", "config = { missing_probes = \"ignore\" }\nkprobe:f { }", nil},
		{"a preprocessor", "#ifdef X\nkprobe:f { }\n#endif", nil},
		{"other parts", "kprobe:mod:f { } uprobe:/bin/x:cpp:f { } interval:s:1 { } usdt:/bin/x:a:b { } iter:task { }", nil},
		{"no block", "kprobe:f", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := named(t, nil, "x.bt", tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPointsOfPython(t *testing.T) {
	const head = "from bcc import BPF\n"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"the C in a string", head + "text = \"\"\"\n// TRACEPOINT_PROBE(a, x)\nTRACEPOINT_PROBE(sched, sched_switch) { bpf_trace_printk(\"\\n\"); }\n\"\"\"\nb = BPF(text=text)\n", []string{"4 tracepoint sched/sched_switch"}},
		{"a uprobe", head + "def main():\n    b.attach_uprobe(name=\"c\", sym=\"malloc\",\n                    fn_name=\"f\")\n", []string{"3 uprobe c:malloc"}},
		{"a kprobe", head + "b.attach_kprobe(event=b\"vfs_read\", fn_name=\"f\")", []string{"2 kprobe vfs_read"}},
		{"a tracepoint", head + "b.attach_tracepoint(tp='sched:sched_switch', fn_name='f')", []string{"2 tracepoint sched/sched_switch"}},
		{"after a condition", head + "if x:\n    y()\n\nb.attach_kprobe(event='f')", []string{"5 kprobe f"}},
		{"conditions", head + "if x: b.attach_kprobe(event='f')\ntry:\n  b.attach_kprobe(event='g')\nexcept Exception:\n  b.attach_kprobe(event='h')\nfor y in z:\n\n  # no\n  b.attach_kprobe(event='i')\n", nil},
		{"put together", head + "b.attach_kprobe(event=b.get_syscall_fnname('execve'))\nb.attach_kprobe(event='f' + x)\nb.attach_kprobe(event=f'f{x}')\nb.attach_kprobe(event_re='f')", nil},
		{"another process", head + "b.attach_uprobe(name='c', sym='malloc', pid=args.pid)", nil},
		{"an address", head + "b.attach_uprobe(name='c', sym='malloc', addr=1)", nil},
		{"it asks the kernel", head + "BPF.tracepoint_exists('a', 'b')\nb.attach_kprobe(event='f')", nil},
		{"comments", head + "# b.attach_kprobe(event='f')", nil},
		{"no BCC", "b.attach_kprobe(event='f')", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := named(t, nil, "x.py", tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What an option says of a program counts instead of its section.
func TestPointsOfOptions(t *testing.T) {
	const text = "SEC(\"tp/a/b\") int on_b(void *c) {}\nSEC(\"tracepoint\") int on_any(void *c) {}\nSEC(\"kprobe/f\") int BPF_KPROBE(on_f, int x) {}\n" +
		"SEC(\"uprobe\") struct x *on_user(void *c) {}\nSEC(\"xdp\") int packets(void *c) {}\n"
	for _, tt := range []struct {
		name   string
		attach []api.AttachOption
		want   []string
	}{
		{"none", nil, []string{"1 tracepoint a/b", "3 kprobe f"}},
		{"of a program", []api.AttachOption{{Program: "on_b", Target: "a/c"}}, []string{"0 tracepoint a/c", "3 kprobe f"}},
		{"of a macro's program", []api.AttachOption{{Program: "on_f", Target: "g+0x4"}}, []string{"0 kprobe g+0x4", "1 tracepoint a/b"}},
		{"of one without a target", []api.AttachOption{{Program: "on_user", Target: "/bin/bash:readline"}}, []string{"0 uprobe /bin/bash:readline", "1 tracepoint a/b", "3 kprobe f"}},
		{"of all", []api.AttachOption{{Program: "*", Target: "a/c"}}, []string{"0 tracepoint a/c", "0 uprobe a/c", "1 tracepoint a/b", "3 kprobe f"}},
		{"of another kind", []api.AttachOption{{Program: "packets", Target: "lo"}}, []string{"1 tracepoint a/b", "3 kprobe f"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := named(t, tt.attach, "x.bpf.c", text); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPointsLeaveOut(t *testing.T) {
	const section = "SEC(\"tp/a/b\") int f(void *c) {}\n"
	for name, pairs := range map[string][]string{
		"other people's":           {"vendor/x.c", section, "node_modules/x.c", section, "target/x.c", section},
		"tests":                    {"testdata/x.bpf.c", section, "tests/x.c", section},
		"a submodule":              {"libbpf/.git", "gitdir: ../.git/modules/libbpf", "libbpf/src/x.bpf.c", section},
		"headers":                  {"x.bpf.h", section},
		"a loader that chooses":    {"x.bpf.c", section, "main.c", "bpf_program__set_autoload(p, false);"},
		"a Go loader that chooses": {"x.bpf.c", section, "main.go", "delete(spec.Programs, \"f\")"},
		"functions that C names":   {"x.bpf.c", "SEC(\"kprobe/any\") int f(void *c) {}", "main.c", "bpf_program__attach_kprobe(p, false, name);"},
		"functions that Go names":  {"x.bpf.c", "SEC(\"kprobe/any\") int f(void *c) {}", "main.go", goHead + "link.Kprobe(\"vfs_read\", p, nil)\n}"},
	} {
		if got := named(t, nil, pairs...); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	got := named(t, nil, "b/x.bpf.c", section, "a.bpf.c", "\n"+section)
	if want := []string{"2 tracepoint a/b", "1 tracepoint a/b"}; !slices.Equal(got, want) {
		t.Errorf("two files: %q, want %q", got, want)
	}
}

// FuzzPoints holds that no source makes the readers panic or go on for ever, and
// that what they find is in the source.
func FuzzPoints(f *testing.F) {
	for _, text := range []string{
		"SEC(\"tp/a/b\") int f(void *c) {}\n#if 1\n#endif\n\\\n", goHead + "link.Tracepoint(\"a\", \"b\", p, nil)\n}",
		"TracePoint fn f<'a>() { p.attach(r#\"a\"#, \"b\")?; } /* /* */", "kprobe:f, u:\"/x y\":z /a/ { \"}\" } struct x { };",
		"import bcc\nif x:\n  b.attach_uprobe(name='c', sym=\"\"\"malloc\"\"\")\n'''TRACEPOINT_PROBE(a, b)", "'\\", "r#", "/*", "#\\", "\"\\",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		points, err := project.Points(files("a.c", text, "a.go", text, "a.rs", text, "a.bt", text, "a.py", text), nil, []string{"python3", "a.py", "a", "b"})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			if p.Line < 1 || p.Line > strings.Count(text, "\n")+1 || p.Target == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}
