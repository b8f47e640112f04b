//go:build kernel

package inspect_test

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

//go:embed testdata/code.bpf.o
var codeObject []byte

// loadObject loads the programs of an object and returns them by name.
func loadObject(t *testing.T, obj api.Object) map[string]*ebpf.Program {
	t.Helper()
	kerneltest.Require(t)
	spec, err := object.Parse(obj)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := load.Load(t.Context(), spec, btf.NewCache(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loaded.Close)
	return loaded.Programs
}

// codePrograms are loaded programs of all kinds of code.
func codePrograms(t *testing.T) map[string]*ebpf.Program {
	t.Helper()
	progs := loadObject(t, api.Object{Name: "code.bpf.o", Data: codeObject})
	for name, p := range loadObject(t, apitest.CountObject()) {
		progs[name] = p
	}
	progs["no_btf"], _ = newProgram(t, "no_btf")
	return progs
}

func codeOf(t *testing.T, p *ebpf.Program) (api.Code, string) {
	t.Helper()
	id, err := pin.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	code, err := view.Code(t.Context(), api.CodeRequest{ID: id.ID, Xlated: true, Jited: true})
	if err != nil {
		t.Fatal(err)
	}
	return code, strconv.FormatUint(uint64(id.ID), 10)
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// BPF instructions are what bpftool shows, line by line: functions, sources, jumps
// and names. It adds numbers to names, and knows maps by their ids alone.
func TestXlatedLikeBpftool(t *testing.T) {
	ourMap := regexp.MustCompile(`map\[id:(\d+) [^]]+\]`)
	number := regexp.MustCompile(`^(call [A-Za-z_]\w*)#-?\d+$`)
	subprog := regexp.MustCompile(`#bpf_prog_[0-9a-f]{16}_(\w+)$`)
	for name, p := range codePrograms(t) {
		t.Run(name, func(t *testing.T) {
			code, id := codeOf(t, p)
			var ours []string
			for _, f := range code.Xlated {
				if len(code.Xlated) > 1 || f.Lines[0].Source != nil {
					ours = append(ours, f.Name+":")
				}
				for _, l := range f.Lines {
					if l.Source != nil && strings.TrimSpace(l.Source.Text) != "" {
						ours = append(ours, "; "+strings.TrimSpace(l.Source.Text))
					}
					ours = append(ours, fmt.Sprintf("%d: %s", l.Offset, ourMap.ReplaceAllString(l.Text, "map[id:$1]")))
				}
			}
			var theirs []string
			for line := range strings.Lines(run(t, "bpftool", "prog", "dump", "xlated", "id", id)) {
				line = strings.TrimSpace(line)
				at, text, isInsn := strings.Cut(line, ": (")
				switch {
				case line == "", line == ";": // a line of source that the compiler did not keep
				case strings.HasPrefix(line, ";"):
					theirs = append(theirs, line)
				case isInsn:
					code, text, _ := strings.Cut(text, ") ")
					text = number.ReplaceAllString(text, "$1")
					theirs = append(theirs, at+": ("+code+") "+subprog.ReplaceAllString(text, "#$1"))
				default: // a function's declaration
					head, _, _ := strings.Cut(line, "(")
					theirs = append(theirs, strings.TrimLeft(head[strings.LastIndexAny(head, " *")+1:], " *")+":")
				}
			}
			if len(ours) < 2 {
				t.Fatalf("only %q", ours)
			}
			for i := range max(len(ours), len(theirs)) {
				got, want := lineAt(ours, i), lineAt(theirs, i)
				if got != want {
					t.Fatalf("line %d: %q, bpftool has %q\n%s\n--\n%s", i, got, want, strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
				}
			}
			t.Logf("%d lines", len(ours))
		})
	}
}

func lineAt(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// Machine code is what the kernel gives others, and every instruction ends where
// LLVM ends it and does what that says. bpftool shows it only where it was built
// with a disassembler.
func TestJitedLikeLLVM(t *testing.T) {
	for name, p := range codePrograms(t) {
		t.Run(name, func(t *testing.T) {
			code, id := codeOf(t, p)
			if code.JitedHidden != "" {
				kerneltest.Missing(t, code.JitedHidden)
			}
			info, err := p.Info()
			if err != nil {
				t.Fatal(err)
			}
			want, ok := info.JitedInsns()
			if !ok {
				t.Fatal("the library has no machine code")
			}
			file := filepath.Join(t.TempDir(), "code")
			if out, err := exec.Command("bpftool", "prog", "dump", "jited", "id", id, "file", file).CombinedOutput(); err == nil {
				if want, err = os.ReadFile(file); err != nil {
					t.Fatal(err)
				}
			} else {
				t.Logf("bpftool: %s", out)
			}
			var all []byte
			var lines []api.CodeLine
			for _, f := range code.Jited {
				for _, l := range f.Lines {
					all = append(all, l.Raw...)
					lines = append(lines, l)
				}
			}
			if string(all) != string(want) {
				t.Fatalf("%d bytes, want %d", len(all), len(want))
			}
			compareMnemonics(t, lines, all, code.Machine)
			t.Logf("%d instructions", len(lines))
		})
	}
}

// compareMnemonics has LLVM read the code of all functions as one.
func compareMnemonics(t *testing.T, lines []api.CodeLine, code []byte, machine string) {
	t.Helper()
	dir := t.TempDir()
	raw, elf := filepath.Join(dir, "raw"), filepath.Join(dir, "elf")
	if err := os.WriteFile(raw, code, 0o600); err != nil {
		t.Fatal(err)
	}
	format := map[string]string{"x86_64": "elf64-x86-64", "aarch64": "elf64-littleaarch64"}[machine]
	run(t, "llvm-objcopy", "-I", "binary", "-O", format, "--rename-section=.data=.text,code", raw, elf)
	insn := regexp.MustCompile(`^ *([0-9a-f]+): ((?:[0-9a-f]{2}[ \t])+)\s*(.*)$`)
	var theirs [][]string
	for line := range strings.Lines(run(t, "llvm-objdump", "-d", elf)) {
		m := insn.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		m[2] = strings.ReplaceAll(m[2], "\t", " ")
		if last := len(theirs) - 1; last >= 0 && theirs[last][3] == "lock" { // it takes the prefix for an instruction
			theirs[last][2] += m[2]
			theirs[last][3] = m[3]
			continue
		}
		theirs = append(theirs, m)
	}
	if len(theirs) != len(lines) {
		t.Fatalf("%d instructions, LLVM has %d", len(lines), len(theirs))
	}
	at := 0
	for i, l := range lines {
		m := theirs[i]
		if bytes := fmt.Sprintf("% x ", []byte(l.Raw)); m[1] != fmt.Sprintf("%x", at) || m[2] != bytes || !sameMnemonic(mnemonic(l.Text), mnemonic(m[3])) || l.Target == nil && l.Symbol == "" && operands(l.Text) != operands(m[3]) {
			t.Errorf("%x: %s%q, LLVM has %s: %s%q", at, bytes, l.Text, m[1], m[2], m[3])
		}
		at += len(l.Raw)
	}
}

// operands returns what an instruction works with, with all numbers as decimals, of
// 32 bits with a sign. Those of a nop do nothing.
func operands(text string) string {
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "lock "), "#")
	if words := strings.Fields(text); !strings.HasPrefix(words[0], "nop") && len(words) > 1 {
		return regexp.MustCompile(`-?(0x[0-9a-f]+|\b\d+)`).ReplaceAllStringFunc(strings.Join(words[1:], ""), func(n string) string {
			v, err := strconv.ParseInt(n, 0, 64)
			if err != nil {
				u, _ := strconv.ParseUint(n, 0, 64)
				v = int64(u)
			}
			if v == int64(uint32(v)) {
				v = int64(int32(v))
			}
			return strconv.FormatInt(v, 10)
		})
	}
	return ""
}

// mnemonic returns what an instruction is called, with one name for what has two.
func mnemonic(text string) string {
	words := strings.Fields(text)
	if words[0] == "lock" && len(words) > 1 {
		words = words[1:]
	}
	if other, ok := map[string]string{"movabs": "mov", "movabsq": "mov", "sal": "shl", "sall": "shl", "salq": "shl", "jz": "je", "jnz": "jne"}[words[0]]; ok {
		return other
	}
	return words[0]
}

// sameMnemonic compares them; AT&T syntax may leave the operand's size out.
func sameMnemonic(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || len(b) == len(a)+1 && strings.HasPrefix(b, a) && strings.ContainsAny(b[len(a):], "bwlq")
}
