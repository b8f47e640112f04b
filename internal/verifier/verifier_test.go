package verifier_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/verifier"
)

// The logs in testdata are what Linux 6.18 said, at level 1 and 4 when it
// refused and at level 2 and 4 when it accepted.
func fixture(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParseFailureOfRealLogs(t *testing.T) {
	for name, want := range map[string]struct {
		summary string
		line    int
		why     string // a part of it
	}{
		"null":       {"R0 invalid mem access 'map_value_or_null'", 14, "may be NULL"},
		"scalar":     {"R1 invalid mem access 'scalar'", 13, "plain number"},
		"packet":     {"invalid access to packet, off=14 size=1, R1(id=0,off=14,r=0)", 12, "packet is long enough"},
		"bounds":     {"invalid access to map value, value_size=64 off=100 size=1", 15, "offset 100 is outside"},
		"unbounded":  {"math between map_value pointer and register with unbounded min value is not allowed", 16, "cannot bound"},
		"neglen":     {"R2 min value is negative, either use unsigned or 'var &= const'", 17, "R2 is a length"},
		"biglen":     {"R2 unbounded memory access, use 'var &= const' or 'if (var < const)'", 18, "without an upper bound"},
		"leak":       {"Unreleased reference id=2 alloc_insn=5", 19, "(it was taken at instruction 5)"},
		"stack":      {"invalid write to stack R10 off=-520 size=8", 21, "512 bytes"},
		"misaligned": {"misaligned stack access off 0+0+-12 size 8", 31, "not a multiple"},
		"ctxoff":     {"invalid bpf_context access off=320 size=8", 24, "offset 320 with 8 bytes"},
		"helper":     {"program of this type cannot use helper bpf_get_func_ip#173", 25, "may not call bpf_get_func_ip on"},
		"nohelper":   {"invalid func unknown#9999", 26, "helper number 9999"},
		"ret": {
			"At program exit the register R0 has smin=0 smax=4294967295 should have been in [0, 3]", 27, "may return",
		},
		"gpl":    {"cannot call GPL-restricted function from non-GPL compatible program", 3, "licence"},
		"uninit": {"unreachable insn 2", 0, "never run"},
		"frames": {"", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := verifier.ParseFailure(fixture(t, name))
			if got.Summary != want.summary || got.Line != want.line {
				t.Errorf("summary %q line %d, want %q line %d", got.Summary, got.Line, want.summary, want.line)
			}
			if !strings.Contains(got.Why, want.why) || (want.why != "" && got.Fix == "") || strings.Contains(got.Why, "$") {
				t.Errorf("why = %q (fix %q), want %q in it", got.Why, got.Fix, want.why)
			}
			if want.line > 0 && !strings.HasSuffix(got.File, ".bpf.c") {
				t.Errorf("file = %q", got.File)
			}
		})
	}
}

// Other kernels put other noise around the same line.
func TestParseFailureOfOtherKernels(t *testing.T) {
	for name, test := range map[string]struct {
		log           string
		summary, file string
		line, insn    int
		source, why   string
	}{
		"5.10, lines without numbers": {
			"; return *v;\n6: (71) r0 = *(u8 *)(r0 +0)\nR0 invalid mem access 'map_value_or_null'\n" +
				"processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
			"R0 invalid mem access 'map_value_or_null'", "", 0, 6, "return *v;", "may be NULL",
		},
		"6.12, states after the cause": {
			"; for (;;) @ dir/loop.c:7\n1: (05) goto pc-1\ninfinite loop detected at insn 1\n" +
				"cur state: R0=0 R1=ctx() R10=fp0\nold state: R0_rw=P0 R1=ctx() R10=fp0\n" +
				"processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 1\n",
			"infinite loop detected at insn 1", "loop.c", 7, 1, "for (;;)", "no progress",
		},
		"7.3, the kernel explains": {
			"; x @ t.c:3\n4: (bf) r1 = r0\nR0 invalid mem access 'scalar'\n\n" +
				"Verification failed: Register Type Safety: Invalid dereference\n" +
				"subprog 0 (t) main insns_self 9 insns_total 9 stack 0\nstack depth max 0\n",
			"R0 invalid mem access 'scalar'", "t.c", 3, 4, "x", "plain number",
		},
		"7.3, the leak's remark alone": {
			"BPF_EXIT instruction in main prog would lead to reference leak\nsubprog 0 (t15_leak) main insns_self 20 insns_total 20 stack 0\n",
			"BPF_EXIT instruction in main prog would lead to reference leak", "", 0, -1, "", "not given back",
		},
		"something new": {
			"; a @ b.c:1\n1: (95) exit\nthe moon is in the wrong house\n", "the moon is in the wrong house", "b.c", 1, 1, "a", "",
		},
		"empty": {"", "", "", 0, -1, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := verifier.ParseFailure(test.log)
			if got.Summary != test.summary || got.File != test.file || got.Line != test.line ||
				got.Insn != test.insn || got.Source != test.source || !strings.Contains(got.Why, test.why) ||
				(test.why == "") != (got.Why == "") {
				t.Errorf("ParseFailure = %+v", got)
			}
		})
	}
}

func TestParseStats(t *testing.T) {
	for name, test := range map[string]struct {
		log  string
		want verifier.Stats
	}{
		"6.18": {fixture(t, "frames"), verifier.Stats{
			Insns: 20, TotalStates: 1, PeakStates: 1, StackDepth: 16, Time: 268 * time.Microsecond,
		}},
		"7.3": {
			"verification time 7 usec\nstack depth max 704\n" +
				"subprog 0 (t08) main insns_self 19 insns_total 39 stack 304\nsubprog 1 (f8) static insns_self 20 insns_total 20 stack 400\n" +
				"processed 39 insns (limit 1000000) max_states_per_insn 1 total_states 2 peak_states 3 mark_read 4\n",
			verifier.Stats{
				Insns: 39, MaxStatesPerInsn: 1, TotalStates: 2, PeakStates: 3, MarkRead: 4, StackDepth: 704,
				Time: 7 * time.Microsecond,
			},
		},
		"the last line counts": {
			"processed 1 insns (limit 1000000)\nprocessed 2 insns (limit 1000000)\n", verifier.Stats{Insns: 2},
		},
		"nothing": {"hello", verifier.Stats{}},
		"absurd":  {"processed 99999999999999999999 insns\nstack depth 1+x\n", verifier.Stats{StackDepth: 1}},
	} {
		if got := verifier.ParseStats(test.log); got != test.want {
			t.Errorf("%s: ParseStats = %+v, want %+v", name, got, test.want)
		}
	}
}

func TestBoundKeepsHeadAndTail(t *testing.T) {
	var b strings.Builder
	for i := range 10000 {
		b.WriteString(strings.Repeat("x", i%40) + "\n")
	}
	log := "first\n" + b.String() + "last\n"
	got, cut := verifier.Bound(log, 1000)
	if !cut || len(got) > 1000 || !strings.HasPrefix(got, "first\n") || !strings.HasSuffix(got, "last\n") {
		t.Errorf("Bound gave %d bytes: %q", len(got), got)
	}
	if !strings.Contains(got, "bytes left out") {
		t.Errorf("Bound does not say what is missing: %q", got)
	}
	if same, cut := verifier.Bound("short\n", 1000); cut || same != "short\n" {
		t.Errorf("Bound cut a short log to %q", same)
	}
}

func TestErrorWithoutALog(t *testing.T) {
	e := verifier.Error("p", "", errors.New("load program: bad address (hit verifier bug, check dmesg)"))
	if !errors.Is(e, api.ErrRejected) || e.Summary == "" || !strings.Contains(e.Why, "branches") {
		t.Errorf("error = %+v", e)
	}
}

func FuzzParse(f *testing.F) {
	logs, err := filepath.Glob("testdata/*.log")
	if err != nil || len(logs) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, path := range logs {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), 100)
	}
	f.Fuzz(func(t *testing.T, log string, limit int) {
		limit &= 1<<20 - 1
		e := verifier.Error("p", log, nil)
		if strings.ContainsRune(e.Summary, '\n') || strings.ContainsRune(e.Source, '\n') {
			t.Errorf("more than one line: %q, %q", e.Summary, e.Source)
		}
		if s := verifier.ParseStats(log); s.Insns < 0 || s.StackDepth < 0 || s.Time < 0 {
			t.Errorf("negative figures: %+v", s)
		}
		if got, cut := verifier.Bound(log, limit); cut && len(got) > max(limit, 64) {
			t.Errorf("Bound to %d gave %d bytes", limit, len(got))
		}
	})
}
