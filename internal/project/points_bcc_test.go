package project_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/project"
)

// run returns what a project names whose program is run by a command: points of
// the command's own words are marked with a "!".
func run(t *testing.T, command []string, pairs ...string) []string {
	t.Helper()
	points, err := project.Points(files(pairs...), nil, command)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range points {
		text := fmt.Sprintf("%s:%d %s", p.File, p.Line, p.Target)
		if p.Given {
			text += "!"
		}
		list = append(list, text)
	}
	return list
}

const bccHead = "from bcc import BPF\n"

func TestPointsOfTables(t *testing.T) {
	const pairs = "T = {\n  'f': 'a:b',\n  'g': 'a:c',\n}\n"
	const loop = "for fn, tp in T.items():\n  b.attach_tracepoint(tp=tp, fn_name=fn)\n"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"a dict from functions to places", pairs + loop, []string{"x.py:3 a/b", "x.py:4 a/c"}},
		{"in a function", pairs + "def main():\n  b = BPF(text=x)\n  for fn, tp in T.items():\n    b.attach_tracepoint(tp=tp, fn_name=fn)\n", []string{"x.py:3 a/b", "x.py:4 a/c"}},
		{"its values", pairs + "for tp in T.values():\n  b.attach_tracepoint(tp, 'f')\n", []string{"x.py:3 a/b", "x.py:4 a/c"}},
		{"its keys", "T = {'vfs_read': 1}\nfor fn in T:\n  b.attach_kprobe(event=fn, fn_name='f')\n", []string{"x.py:2 vfs_read"}},
		{"only read elsewhere", pairs + "F = dict.fromkeys(T, 1)\nprint(len(T))\n" + loop, []string{"x.py:3 a/b", "x.py:4 a/c"}},
		{"a list", "L = ['a:b', \"a:c\"]\nfor tp in L:\n  b.attach_tracepoint(tp=tp, fn_name='f')\n", []string{"x.py:2 a/b", "x.py:2 a/c"}},
		{"a list that is written there", "for tp in ('a:b', 'a:c'):\n  b.attach_tracepoint(tp=tp, fn_name='f')\n", []string{"x.py:2 a/b", "x.py:2 a/c"}},
		{"a list of pairs", "for lib, sym in [('c', 'malloc'), ('m', 'cos')]:\n  b.attach_uprobe(name=lib, sym=sym, fn_name='f')\n", []string{"x.py:2 c:malloc", "x.py:2 m:cos"}},
		{"a loop in a loop", "for lib in ['a', 'b']:\n  for sym in ['x', 'y']:\n    b.attach_uprobe(name=lib, sym=sym)\n", []string{"x.py:3 a:x", "x.py:3 a:y", "x.py:3 b:x", "x.py:3 b:y"}},
		{"what is not known of it", "T = {'f': 'a:b', 'g': name, 'h': 'a' 'b', **more}\n" + loop, []string{"x.py:2 a/b"}},
		{"two tables", pairs + "T = {}\n" + loop, nil},
		{"one that is changed", pairs + "T['f'] = 'a:x'\n" + loop, nil},
		{"one that is added to", "L = ['a:b']\nL += more\nfor tp in L:\n  b.attach_tracepoint(tp=tp)\n", nil},
		{"one that a method changes", pairs + "T.update(more)\n" + loop, nil},
		{"one that somebody may change", pairs + "adjust(T)\n" + loop, nil},
		{"one under a condition", "if old:\n  T = {'f': 'a:b'}\n" + loop, nil},
		{"put together", "T = {'f': 'a:b'} | more\n" + loop, nil},
		{"one of two", "for tp in ['a:b'] if new else ['a:c']:\n  b.attach_tracepoint(tp=tp)\n", nil},
		{"some of it", pairs + "for fn, tp in T.items():\n  if fn == x: continue\n  b.attach_tracepoint(tp=tp)\n", nil},
		{"what fails is left out", pairs + "for fn, tp in T.items():\n  try:\n    b.attach_tracepoint(tp=tp)\n  except Exception:\n    pass\n", nil},
		{"a parameter", "def f(T):\n  for fn, tp in T.items():\n    b.attach_tracepoint(tp=tp)\n", nil},
		{"only a text", "for c in ('a:b'):\n  b.attach_tracepoint(tp=c)\n", nil},
		{"in a loop under a condition", pairs + "if x:\n  for fn, tp in T.items():\n    b.attach_tracepoint(tp=tp)\n", nil},
		{"after the loop", pairs + loop + "b.attach_tracepoint(tp=tp)\n", []string{"x.py:3 a/b", "x.py:4 a/c"}},
		{"not closed", "T = {'f': 'a:b'\n" + loop, nil},
		{"many brackets", "T = ((((((((((\nfor x in ((((", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(t, nil, "x.py", bccHead+tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What BCC compiles is the C in a program's strings and the files that it names.
func TestPointsOfBCCsC(t *testing.T) {
	const c = "int f(struct tracepoint__sched__sched_switch *args) { return 0; }\n"
	const macro = "TRACEPOINT_PROBE(sched, sched_switch) { return 0; }\n"
	const load = bccHead + "b = BPF(src_file='x.c')\n"
	for _, tt := range []struct {
		name  string
		pairs []string
		want  []string
	}{
		{"a struct", []string{"x.py", load, "x.c", "\n" + c}, []string{"x.c:2 sched/sched_switch"}},
		{"a macro", []string{"x.py", load, "x.c", macro}, []string{"x.c:1 sched/sched_switch"}},
		{"by its path", []string{"x.py", bccHead + "S = Path(__file__).with_name('x.c')\nb = load(S)\n", "x.c", c}, []string{"x.c:1 sched/sched_switch"}},
		{"in a string", []string{"x.py", bccHead + "b = BPF(text='''\n" + c + "''')\n"}, []string{"x.py:3 sched/sched_switch"}},
		{"in a variable", []string{"x.py", bccHead + "T = '''\n" + c + "'''\nb = BPF(text=T)\n"}, []string{"x.py:3 sched/sched_switch"}},
		{"names with two underlines", []string{"x.py", load, "x.c", "int f(struct tracepoint__a__b__c *x) {}"}, []string{"x.c:1 a/b__c"}},
		{"a variable for some kernels", []string{"x.py", bccHead + "T = '''\n" + c + "'''\nif new:\n  text += T\n"}, nil},
		{"one of two variables", []string{"x.py", bccHead + "T = '''\n" + c + "'''\nb = BPF(text=T if new else O)\n"}, nil},
		{"one of two files", []string{"x.py", bccHead + "b = BPF(src_file='x.c' if new else 'y.c')\n", "x.c", c, "y.c", c}, nil},
		{"a file under a condition", []string{"x.py", bccHead + "if new:\n  b = BPF(src_file='x.c')\n", "x.c", macro}, nil},
		{"another file", []string{"x.py", load, "y.c", c + macro}, nil},
		{"a program that asks the kernel", []string{"x.py", load + "BPF.tracepoint_exists('a', 'b')\n", "x.c", c + macro}, nil},
		{"words that are replaced", []string{"x.py", bccHead + "t = open('x.c').read().replace('sched_switch', name)\nb = BPF(text=t)\n", "x.c", c + macro}, nil},
		{"no Python: a struct of its own", []string{"x.c", c}, nil},
		{"under a condition", []string{"x.py", load, "x.c", "#ifdef X\n" + c + "#endif\n"}, nil},
		{"filled in", []string{"x.py", bccHead + "b = BPF(text='struct tracepoint__sched__%s *x, struct tracepoint__%s' % (a, b))\n"}, nil},
		{"another struct", []string{"x.py", load, "x.c", "struct tracepoint__x *a; struct tracepoint____x *b; struct y *c; struct tracepoint__a__b {};"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(t, nil, tt.pairs...); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPointsOfArguments(t *testing.T) {
	const bt = "uprobe:$1:$2 { }\ntracepoint:$3 { }\nkprobe:$4 { printf(str($5)); }\n"
	for _, tt := range []struct {
		name string
		run  []string
		text string
		want []string
	}{
		{"a script's", []string{"bpftrace", "x.bt", "libc", "maloc"}, bt, []string{"x.bt:1 libc:maloc!"}},
		{"with sudo and options", []string{"sudo", "/usr/bin/bpftrace", "-q", "./x.bt", "libc", "maloc", "a", "vfs_read"}, bt, []string{"x.bt:1 libc:maloc!", "x.bt:3 vfs_read!"}},
		{"of a script that runs itself", []string{"./x.bt", "libc", "maloc"}, bt, []string{"x.bt:1 libc:maloc!"}},
		{"parts", []string{"bpftrace", "x.bt", "sched", "switch"}, "tracepoint:$1:sched_$2 { }", []string{"x.bt:1 sched/sched_switch!"}},
		{"ten", []string{"bpftrace", "x.bt", "a", "b"}, "kprobe:$10 { } kprobe:$2 { }", []string{"x.bt:1 b!"}},
		{"too few", []string{"bpftrace", "x.bt", "libc"}, bt, nil},
		{"a pattern", []string{"bpftrace", "x.bt", "libc", "mal*"}, bt, nil},
		{"more than a name", []string{"bpftrace", "x.bt", "libc:x", "a,b", "c", "d e"}, bt, nil},
		{"of another script", []string{"bpftrace", "y.bt", "libc", "maloc"}, bt, nil},
		{"of a shell", []string{"sh", "-c", "bpftrace x.bt libc maloc"}, bt, nil},
		{"of a program on the command line", []string{"bpftrace", "-e", "BEGIN{}", "x.bt", "a"}, bt, nil},
		{"quoted", []string{"bpftrace", "x.bt", "libc"}, "uprobe:\"$1\":f { }", nil},
		{"nothing", nil, bt, nil},
		{"only a tool", []string{"sudo"}, bt, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(t, tt.run, "x.bt", tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPointsOfArgparse(t *testing.T) {
	const declare = "import argparse\np = argparse.ArgumentParser()\np.add_argument('library', help='x, y')\np.add_argument('sym')\n" +
		"p.add_argument('-p', '--pid', type=int, default=-1)\np.add_argument('--json', action='store_true')\n"
	const parse = "args = p.parse_args()\n"
	const attach = "b.attach_uprobe(name=args.library, sym=args.sym, fn_name='f', pid=args.pid)\n"
	const short = "def short(x):\n  'Shortens.'\n  if '/' in x:\n    return x\n  return x.partition('.so')[0].removeprefix('lib')\n"
	want := []string{"x.py:9 libc:maloc!"}
	for _, tt := range []struct {
		name, text string
		args       []string
		want       []string
	}{
		{"positionals", declare + parse + attach, []string{"libc", "maloc"}, want},
		{"with options", declare + parse + attach, []string{"libc", "--json", "maloc"}, want},
		{"a name that is shortened", short + declare + parse + "b.attach_uprobe(name=short(args.library), sym=args.sym)\n", []string{"libc", "maloc"}, []string{"x.py:14 libc:maloc!"}},
		{"sys.argv", "b.attach_kprobe(event=sys.argv[1])\n", []string{"vfs_raed"}, []string{"x.py:2 vfs_raed!"}},
		{"another process", declare + parse + attach, []string{"libc", "maloc", "--pid", "1"}, nil},
		{"another process, in one word", declare + parse + attach, []string{"libc", "maloc", "--pid=1"}, nil},
		{"a short option", declare + parse + attach, []string{"libc", "maloc", "--js"}, nil},
		{"too few", declare + parse + attach, []string{"libc"}, nil},
		{"too many", declare + parse + attach, []string{"libc", "maloc", "x"}, nil},
		{"none", declare + parse + attach, nil, nil},
		{"a name that is changed", declare + parse + "b.attach_uprobe(name=find(args.library), sym=args.sym)\n", []string{"libc", "maloc"}, nil},
		{"a name that is found otherwise", "def find(x):\n  return '/opt/' + x\n" + declare + parse + "b.attach_uprobe(name=find(args.library), sym=args.sym)\n", []string{"libc", "maloc"}, nil},
		{"one that is set", declare + parse + "args.sym = 'f'\n" + attach, []string{"libc", "maloc"}, nil},
		{"one that is added to", declare + parse + "args.sym += 'f'\n" + attach, []string{"libc", "maloc"}, nil},
		{"one that is compared", declare + parse + "x = args.sym == 'f'\n" + attach, []string{"libc", "maloc"}, []string{"x.py:10 libc:maloc!"}},
		{"commands", declare + "s = p.add_subparsers()\n" + parse + attach, []string{"libc", "maloc"}, nil},
		{"any number", declare + "p.add_argument('more', nargs='*')\n" + parse + attach, []string{"libc", "maloc"}, nil},
		{"some that are for some", declare + "if x:\n  p.add_argument('--more')\n" + parse + attach, []string{"libc", "maloc"}, nil},
		{"other arguments", declare + "args = p.parse_args(x)\n" + attach, []string{"libc", "maloc"}, nil},
		{"another type", "p.add_argument('f', type=find)\n" + parse + "b.attach_kprobe(event=args.f)\n", []string{"f"}, nil},
		{"under a condition", declare + parse + "if args.json:\n  " + attach, []string{"libc", "maloc"}, nil},
		{"in a condition", declare + parse + "args.json and " + attach, []string{"libc", "maloc"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			command := append([]string{"python3", "-B", "x.py"}, tt.args...)
			if got := run(t, command, "x.py", bccHead+tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The scaffolds' own way to name places is read.
func TestPointsOfScaffolds(t *testing.T) {
	for _, tt := range []struct {
		folder string
		names  []string
		run    []string
		want   []string
	}{
		{"bcc/kinds/tracepoint", []string{"execs.py", "execs.c"}, []string{"python3", "-B", "execs.py"}, []string{
			"execs.c sched/sched_process_fork", "execs.c syscalls/sys_enter_execve", "execs.c sched/sched_process_exec",
			"execs.py sched/sched_process_fork", "execs.py syscalls/sys_enter_execve", "execs.py sched/sched_process_exec",
		}},
		{"bcc/kinds/uprobe", []string{"calls.py", "calls.c"}, []string{"python3", "-B", "calls.py", "libc", "maloc"}, []string{"calls.py libc:maloc!"}},
		{"bpftrace/kinds/uprobe", []string{"calls.bt"}, []string{"bpftrace", "calls.bt", "libc", "maloc"}, []string{"calls.bt libc:maloc!"}},
	} {
		var pairs []string
		for _, name := range tt.names {
			text, err := os.ReadFile("../../templates/_src/" + tt.folder + "/files/" + name)
			if err != nil {
				t.Fatal(err)
			}
			pairs = append(pairs, name, string(text))
		}
		got := run(t, tt.run, pairs...)
		for i, text := range got {
			place, target, _ := strings.Cut(text, " ")
			file, _, _ := strings.Cut(place, ":")
			got[i] = file + " " + target
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.folder, got, tt.want)
		}
	}
}
