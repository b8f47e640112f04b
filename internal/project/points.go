package project

import (
	"cmp"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// maxPoints and maxSource bound what is read of a folder that is no project.
const (
	maxPoints = 1024
	maxSource = 16 << 20 // bytes
)

// Point is an attach point that a project names.
type Point struct {
	api.AttachPoint
	// File and Line are where a source names it; File has slashes and is relative
	// to the project. It is empty for one that an attach option names.
	File string
	Line int
	// Program is the function that is attached there, when that is plain to see.
	Program string
	// Given is set where the name, or a part of it, is an argument of the command
	// that runs the program.
	Given bool
}

// Points reads the attach points that a project's sources name, and those that
// attach options name for programs of theirs, which overrule the sources. The
// command that runs the project's program (Settings.Run) gives the names that are
// its arguments. The order is that of the files and their lines.
//
// It reads C with libbpf's sections, Go with cilium/ebpf, Rust with aya, bpftrace,
// and BCC in Python and C. What is decided when the program runs, or may be for
// another kernel, is left out: code under conditions, optional programs, names
// that are put together, programs whose loader chooses among them.
func Points(fsys fs.FS, attach []api.AttachOption, run []string) ([]Point, error) {
	r := &pointReader{}
	r.script, r.args = script(run)
	size, others := 0, map[string]bool{}
	_, err := anyFile(fsys, func(name string) (bool, error) {
		if !source(name) || foreign(fsys, path.Dir(name), others) {
			return false, nil
		}
		text, err := read(fsys, name)
		if err != nil {
			return false, nil // one that may not be read, or is gone by now
		}
		size += len(text)
		r.file(name, string(text))
		return size > maxSource, nil
	})
	points := r.points(attach)
	return points[:min(len(points), maxPoints)], err
}

// source reports whether a file may hold what is looked for. Tests name what is
// not there on purpose.
func source(name string) bool {
	for _, dir := range strings.Split(path.Dir(name), "/") {
		if dir == "testdata" || dir == "tests" {
			return false
		}
	}
	switch path.Ext(name) {
	case ".c", ".cc", ".cpp", ".go", ".rs", ".bt", ".py":
		return !strings.HasSuffix(name, "_test.go")
	}
	return false
}

// foreign reports whether a folder belongs to another repository inside this one,
// such as a submodule with libbpf. known keeps what was found out.
func foreign(fsys fs.FS, dir string, known map[string]bool) bool {
	if dir == "." {
		return false
	}
	is, ok := known[dir]
	if !ok {
		_, err := fs.Stat(fsys, dir+"/.git")
		is = err == nil || foreign(fsys, path.Dir(dir), known)
		known[dir] = is
	}
	return is
}

var (
	// chosen is how loaders decide which programs of an object are loaded, and
	// where they are attached.
	chosen = regexp.MustCompile(`set_autoload|set_autoattach|set_attach_target|\bAttachTo\s*=|delete\([\w.]+\.Programs\s*,`)
	// ownKprobes is a loader that gives kprobes their functions: then the names in
	// sections are only names.
	ownKprobes = regexp.MustCompile(`\blink\.K(?:ret)?probe\(|attach_kprobe`)
)

// mayChoose spares most files the regular expression, which is slow.
func mayChoose(text string) bool {
	return strings.Contains(text, "set_a") || strings.Contains(text, "AttachTo") || strings.Contains(text, ".Programs")
}

// pointReader collects what files name.
type pointReader struct {
	script     string   // the file that is run
	args       []string // with these arguments
	found      []found
	python     []*pythonFile // BCC's
	chosen     bool
	ownKprobes bool
}

// found is a point in a source.
type found struct {
	Point
	section bool   // a program's section, which may have no target
	bcc     bool   // by what only BCC compiles
	made    bool   // by a struct that BCC makes, which others may have written themselves
	owner   string // the variable with the text that names it
}

func (r *pointReader) file(name, text string) {
	var list []found
	var args []string
	if name == r.script {
		args = r.args
	}
	switch path.Ext(name) {
	case ".c":
		list = pointsC(text)
	case ".go":
		list = pointsGo(text)
	case ".rs":
		list = pointsRust(text)
	case ".bt":
		list = pointsBpftrace(text, args)
	case ".py":
		if file := pointsPython(text, args); file != nil {
			r.python = append(r.python, file)
			list = file.list
		}
	}
	r.ownKprobes = r.ownKprobes || strings.Contains(text, "probe") && ownKprobes.MatchString(text)
	r.chosen = r.chosen || mayChoose(text) && chosen.MatchString(text)
	for _, f := range list {
		f.File = name
		r.found = append(r.found, f)
	}
}

// points returns what counts of all that was found.
func (r *pointReader) points(attach []api.AttachOption) []Point {
	var points []Point
	for _, f := range r.found {
		p := f.Point
		if option, ok := optionOf(attach, p); f.section && ok {
			p.Target, p.File, p.Line = option, "", 0
		} else if f.section && (r.chosen || r.ownKprobes && p.Kind == api.PointKprobe || p.Program == "" && len(attach) > 0) {
			continue
		}
		if p.Target != "" && (!f.bcc || r.compiled(f)) {
			points = append(points, p)
		}
	}
	slices.SortFunc(points, func(a, b Point) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Target, b.Target))
	})
	return slices.Compact(points)
}

// compiled reports whether BCC compiles what names a point, whatever happens: the C
// in a Python program, and the file that one names. Where no program in Python is,
// one in C++ may compile it.
func (r *pointReader) compiled(f found) bool {
	if path.Ext(f.File) != ".c" {
		return true
	}
	if len(r.python) == 0 {
		return !f.made
	}
	named := false
	for _, p := range r.python {
		if f.holds(p.replaced) {
			return false
		}
		named = named || slices.ContainsFunc(p.compiles, func(n cSource) bool { return n.file == path.Base(f.File) })
	}
	return named
}

// optionOf returns the target that an option gives a section's program: one for
// "*" counts where the section has none.
func optionOf(attach []api.AttachOption, p Point) (string, bool) {
	for _, o := range attach {
		if p.Program != "" && o.Program == p.Program || o.Program == "*" && p.Target == "" {
			return o.Target, true
		}
	}
	return "", false
}
