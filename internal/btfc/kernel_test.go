//go:build kernel

package btfc

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
)

// btfFile has this kernel's BTF, or another's when EBPFDEV_TEST_BTF names its file.
func btfFile() string { return cmp.Or(os.Getenv("EBPFDEV_TEST_BTF"), "/sys/kernel/btf/vmlinux") }

// vmlinux is the kernel's BTF.
func vmlinux(t testing.TB) ([]byte, *btf.Spec) {
	t.Helper()
	raw, err := os.ReadFile(btfFile())
	if err != nil {
		t.Fatal(err)
	}
	spec, err := Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw, spec
}

// kernelHeader writes this kernel's types into a folder, and returns the writer
// with the names that it gave.
func kernelHeader(t testing.TB) (dir string, types []btf.Type, w *writer) {
	t.Helper()
	_, spec := vmlinux(t)
	types, err := All(spec)
	if err != nil {
		t.Fatal(err)
	}
	w = newWriter()
	if err := w.write(types, Header{Guard: "__VMLINUX_H__", CORE: true}); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	writeFile(t, filepath.Join(dir, "vmlinux.h"), w.buf)
	return dir, types, w
}

// The whole time from the kernel's bytes to C; the limit leaves room for a busy
// machine.
func TestKernelTime(t *testing.T) {
	start := time.Now()
	_, _, w := kernelHeader(t)
	took := time.Since(start)
	t.Logf("%d bytes of C in %v", len(w.buf), took)
	if took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Every struct and union has the kernel's layout when clang has read it: its size,
// and each member's bit offset, size and number of bits, those of members without
// a name included. The object's own BTF tells.
func TestKernelLayouts(t *testing.T) {
	dir, types, w := kernelHeader(t)
	list := records(types, w)
	members := 0
	for part := range slices.Chunk(list, 500) { // clang's time grows with the square of it
		var src strings.Builder
		src.WriteString("#include \"vmlinux.h\"\n")
		for i, r := range part {
			fmt.Fprintf(&src, "%s v%d;\n", r.name, i) // by value: of what is behind pointers clang keeps the name
		}
		spec, err := btf.LoadSpec(compile(t, dir, src.String()))
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range part {
			var v *btf.Var
			if err := spec.TypeByName(fmt.Sprintf("v%d", i), &v); err != nil {
				t.Fatalf("%s: %v", r.name, err)
			}
			n, err := compare(r.t, btf.UnderlyingType(v.Type), 0)
			if err != nil {
				t.Errorf("%s: %v", r.name, err)
			}
			members += n
		}
	}
	t.Logf("%d structs and unions, %d members", len(list), members)
	if len(list) < 5000 || members < 40000 {
		t.Errorf("only %d structs and unions with %d members: a kernel has more", len(list), members)
	}
}

// compare compares two structs or unions and returns how many members they have.
func compare(want, got btf.Type, depth int) (int, error) {
	wantSize, _ := sizeOf(want)
	gotSize, _ := sizeOf(got)
	a, b := inOrder(membersOf(want)), inOrder(membersOf(got))
	if len(a) == 0 && wantSize == gotSize {
		return 0, nil // pahole could not tell the members: they are written as bytes
	}
	if keyword(want) != keyword(got) || wantSize != gotSize || len(a) != len(b) {
		return 0, fmt.Errorf("%s of %d bytes with %d members, want %s of %d with %d", keyword(got), gotSize, len(b), keyword(want), wantSize, len(a))
	}
	n := len(a)
	for i := range a {
		at := fmt.Sprintf("member %d %s", i, a[i].Name)
		if ident(a[i].Name) != ident(b[i].Name) || a[i].Offset != b[i].Offset || a[i].BitfieldSize != b[i].BitfieldSize {
			return n, fmt.Errorf("%s at bit %d with %d bits, want %s at %d with %d", b[i].Name, b[i].Offset, b[i].BitfieldSize, at, a[i].Offset, a[i].BitfieldSize)
		}
		x, y := bare(a[i].Type), bare(b[i].Type)
		wantSize, _ := sizeOf(x)
		gotSize, _ := sizeOf(y)
		if wantSize != gotSize || fmt.Sprintf("%T", x) != fmt.Sprintf("%T", y) {
			return n, fmt.Errorf("%s: %T of %d bytes, want %T of %d", at, y, gotSize, x, wantSize)
		}
		if membersOf(x) != nil && (x.TypeName() == "" || a[i].Name == "") {
			inside, err := compare(x, y, depth+1)
			if err != nil {
				return n, fmt.Errorf("%s: %w", at, err)
			}
			n += inside
		}
	}
	return n, nil
}

// The same by C's own sizeof and offsetof, and the sizes of enums.
func TestKernelAsserts(t *testing.T) {
	dir, types, w := kernelHeader(t)
	source := asserts(types, w)
	compile(t, dir, "#include \"vmlinux.h\"\n"+source)
	n := strings.Count(source, "\n")
	t.Logf("%d assertions", n)
	if n < 40000 {
		t.Error("a kernel has more")
	}
}

// The BPF sources of the templates compile against the whole header as they do
// against their own of a few types.
func TestKernelHeaderForTemplates(t *testing.T) {
	headers, _, _ := kernelHeader(t)
	sources, err := filepath.Glob("../../templates/_src/*/kinds/*/files/bpf/*.bpf.c")
	if err != nil || len(sources) < 6 {
		t.Fatalf("%d sources, %v", len(sources), err)
	}
	placeholder := regexp.MustCompile(`\{\{.*?\}\}`)
	for _, path := range sources {
		dir := t.TempDir()
		files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.h"))
		for _, file := range append(files, path) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(file) != "vmlinux.h" {
				writeFile(t, filepath.Join(dir, filepath.Base(file)), placeholder.ReplaceAll(text, []byte("name")))
			}
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.Base(path)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(`"vmlinux.h"`)) {
			t.Fatalf("%s does not include vmlinux.h", path)
		}
		compile(t, dir, string(text), "-D__TARGET_ARCH_x86", "-I", headers)
	}
}

// bpftool writes the same definitions: the same types, members and constants.
func TestKernelLikeBpftool(t *testing.T) {
	dir, _, w := kernelHeader(t)
	cmd := exec.Command("bpftool", "btf", "dump", "file", btfFile(), "format", "c")
	theirs, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	got, want := normal(string(w.buf)), normal(string(theirs))
	onlyOurs, onlyTheirs := difference(got, want), difference(want, got)
	if len(onlyOurs)+len(onlyTheirs) > 0 {
		t.Errorf("only ours:\n%.2000s\nonly bpftool's:\n%.2000s", strings.Join(onlyOurs, "\n"), strings.Join(onlyTheirs, "\n"))
	}
	t.Logf("%d lines in %s", len(got), dir)
}

// normal returns the lines of C that define something, sorted, without what is only
// style: spaces, suffixes of numbers, padding, forward declarations, the head. What
// older versions of bpftool lack is left out, too: prototypes, the size of enums,
// and a va_list and a union without members that have the kernel's size.
func normal(text string) []string {
	older := regexp.MustCompile(`^(va_list \w+;|struct __va_list_tag \w+\[1\];|unsigned char __opaque.*)$`)
	suffix := regexp.MustCompile(`( = -?[0-9]+)U?L*,`)
	var lines []string
	for line := range strings.Lines(text) {
		line = suffix.ReplaceAllString(line, "$1,")
		line = strings.TrimSuffix(strings.TrimSpace(line), " ")
		line = strings.NewReplacer("* const", "*const", "* restrict", "*restrict", "* (", "*(").Replace(line)
		if strings.HasPrefix(line, "} __attribute__((mode") {
			line = "};"
		}
		switch first, _, _ := strings.Cut(line, " "); {
		case line == "", older.MatchString(line), strings.HasPrefix(line, "#"), strings.HasPrefix(first, "//"), first == "extern":
		case first == "long:", first == "int:", first == "short:", first == "char:":
		case (first == "struct" || first == "union") && strings.Count(line, " ") == 1 && strings.HasSuffix(line, ";"):
		default:
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// difference returns what sorted a has more of than sorted b.
func difference(a, b []string) []string {
	var more []string
	for _, line := range a {
		for len(b) > 0 && b[0] < line {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == line {
			b = b[1:]
			continue
		}
		more = append(more, line)
	}
	return more
}
