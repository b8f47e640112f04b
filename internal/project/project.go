// Package project recognises what a folder holds: which eBPF framework it is
// written with, how that is built and where its objects come out. It looks at
// files and runs nothing.
package project

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Framework is a way to write eBPF programs.
type Framework string

// The frameworks. Their text is what devcontainer.json and -o json say.
const (
	EBPFGo   Framework = "ebpf-go"  // go.mod requires github.com/cilium/ebpf
	Aya      Framework = "aya"      // Cargo.toml with the crate aya or aya-ebpf
	Libbpf   Framework = "libbpf"   // *.bpf.c and a Makefile
	Bpftrace Framework = "bpftrace" // *.bt; compiled when it runs
	BCC      Framework = "bcc"      // Python that imports bcc; compiled when it runs
	Unknown  Framework = "unknown"
)

// Builds reports whether the framework makes objects before it runs.
func (f Framework) Builds() bool { return f == EBPFGo || f == Aya || f == Libbpf }

// Project is what Detect found.
type Project struct {
	Framework Framework
	Build     [][]string // argv of each step, run in the folder; nil when there is nothing to build
	Clean     [][]string // argv of each step that makes Build start afresh
	Objects   []string   // patterns of the objects, for Match
	// Run is the argv of the process that loads the programs, run in the folder;
	// nil where objects are loaded, and where Sources is not one file.
	Run []string
	// Sources are the programs of a framework that compiles when it runs, sorted.
	Sources []string
}

// Settings are a project's own, from customizations.ebpfdev in devcontainer.json.
// A field that is not set leaves what Detect found.
type Settings struct {
	Framework Framework          `json:"framework,omitempty"`
	Build     []string           `json:"build,omitempty"`     // argv of one command
	Objects   []string           `json:"objects,omitempty"`   // patterns of the objects, "**" for any folders
	Attach    []api.AttachOption `json:"attach,omitempty"`    // where programs are attached
	ImageSize string             `json:"imageSize,omitempty"` // of the dev container, on disk: "1.15 GB"
	Run       []string           `json:"run,omitempty"`       // argv of a process that loads the programs itself
}

// Request returns a build request with what it leaves open filled in.
func (s Settings) Request(req api.BuildRequest) api.BuildRequest {
	if len(req.Command) == 0 {
		req.Command = s.Build
	}
	if len(req.Objects) == 0 {
		req.Objects = s.Objects
	}
	if req.Framework == "" {
		req.Framework = string(s.Framework)
	}
	if len(req.Run) == 0 {
		req.Run = s.Run
	}
	return req
}

// Options returns attach options with the settings' behind them, for programs
// that the former leave open.
func (s Settings) Options(given []api.AttachOption) []api.AttachOption {
	options := slices.Clone(given)
	for _, option := range s.Attach {
		if !slices.ContainsFunc(given, func(o api.AttachOption) bool { return o.Program == option.Program || o.Program == "*" }) {
			options = append(options, option)
		}
	}
	return options
}

// Apply returns the project as the settings change it.
func (p Project) Apply(s Settings) Project {
	if s.Framework != "" && s.Framework != p.Framework {
		p.Framework = s.Framework
		p.Build, p.Clean, p.Objects = steps(s.Framework, makeRules{})
		p.Run, p.Sources = nil, nil
	}
	if len(s.Build) > 0 {
		p.Build = [][]string{s.Build}
	}
	if len(s.Objects) > 0 {
		p.Objects = s.Objects
	}
	if len(s.Run) > 0 {
		p.Run = s.Run
	}
	return p
}

// commandOf returns the argv that runs one file, which is a program of a framework
// that compiles when it runs: bpftrace for *.bt, Python for *.py. It is nil for
// every other file.
func commandOf(file string) []string {
	// A name like an option must not be one.
	name := file
	if strings.HasPrefix(name, "-") {
		name = "./" + name
	}
	switch path.Ext(file) {
	case ".bt":
		return []string{"bpftrace", name}
	case ".py":
		return []string{"python3", name}
	default:
		return nil
	}
}

// Detect looks at a folder. A folder that holds nothing we know is Unknown,
// without an error. A project whose Makefile has a target "build" is built with
// `make build`, as that is where a project keeps its own flags and order; without
// one, by the framework's own tools.
func Detect(fsys fs.FS) (Project, error) {
	for _, look := range []func(fs.FS) (Project, error){detectGo, detectRust, detectC, detectBpftrace, detectBCC} {
		p, err := look(fsys)
		if err != nil {
			return Project{}, err
		}
		if p.Framework != "" {
			rules, err := readMakefile(fsys)
			p.Build, p.Clean, p.Objects = steps(p.Framework, rules)
			if len(p.Sources) == 1 {
				p.Run = commandOf(p.Sources[0])
			}
			return p, err
		}
	}
	return Project{Framework: Unknown}, nil
}

// Signs says what Detect looks for, in its order.
func Signs() []string {
	return []string{
		"github.com/cilium/ebpf in go.mod (ebpf-go)", "the crate aya or aya-ebpf in Cargo.toml (aya)",
		"*.bpf.c and a Makefile (libbpf)", "*.bt (bpftrace)", "Python that imports bcc (bcc)",
	}
}

// Guess returns the framework that a folder's files are most like, which Detect
// does not recognise.
func Guess(fsys fs.FS) (Framework, error) {
	seen := map[string]bool{}
	err := eachFile(fsys, func(name string) error {
		seen[path.Ext(name)] = true
		return nil
	})
	for _, like := range []struct {
		ext       string
		framework Framework
	}{{".rs", Aya}, {".go", EBPFGo}, {".c", Libbpf}, {".py", BCC}} {
		if seen[like.ext] {
			return like.framework, err
		}
	}
	return EBPFGo, err
}

// steps returns how a framework is built and where its objects come out.
func steps(f Framework, rules makeRules) (build, clean [][]string, objects []string) {
	switch f {
	case EBPFGo:
		build = [][]string{{"go", "generate", "./..."}, {"go", "build", "./..."}}
		clean = [][]string{{"go", "clean", "./..."}}
		objects = []string{"**/*_bpfel.o", "**/*_bpfeb.o", "**/*.bpf.o"}
	case Aya:
		build = [][]string{{"cargo", "build"}}
		clean = [][]string{{"cargo", "clean"}}
		// Where cargo puts them for a target folder of their own, for the project's,
		// and where the crate aya-build copies them to.
		objects = []string{
			"target/ebpf/bpfel-unknown-none/*/*", "target/bpfel-unknown-none/*/*", "target/*/build/*/out/*",
		}
	case Libbpf:
		build = [][]string{{"make"}}
		objects = []string{"**/*.bpf.o"}
	case Bpftrace, BCC: // nothing but what a Makefile says
	default:
		return nil, nil, nil
	}
	if rules.build {
		build = [][]string{{"make", "build"}}
	}
	if rules.clean {
		clean = [][]string{{"make", "clean"}}
	}
	return build, clean, objects
}

var (
	goEBPF     = regexp.MustCompile(`(?m)^(?:require\s+|\s+)?"?github\.com/cilium/ebpf"?\s+v`)
	cargoAya   = regexp.MustCompile(`(?m)^\s*(?:\[(?:[\w.-]*\.)?(?:[\w-]*dependencies)\.)?"?aya(?:-ebpf|-bpf|-build)?"?\s*(?:[.=\]])`)
	buildRule  = regexp.MustCompile(`(?m)^build[ \t]*::?(?:[^=:]|$)`)
	cleanRule  = regexp.MustCompile(`(?m)^clean[ \t]*::?(?:[^=:]|$)`)
	pythonMain = regexp.MustCompile(`(?m)\A#!|^if\s+__name__\s*==\s*['"]__main__['"]`)
	importsBCC = regexp.MustCompile(`(?m)^\s*(?:from\s+bcc(?:\.\w+)*\s+import\b|import\s+(?:[\w.]+\s*,\s*)*bcc\b)`)
)

func detectGo(fsys fs.FS) (Project, error) {
	mod, err := read(fsys, "go.mod")
	if err != nil || !goEBPF.Match(mod) {
		return Project{}, err
	}
	return Project{Framework: EBPFGo}, nil
}

func detectRust(fsys fs.FS) (Project, error) {
	manifest, err := read(fsys, "Cargo.toml")
	if err != nil || !cargoAya.Match(manifest) {
		return Project{}, err
	}
	return Project{Framework: Aya}, nil
}

func detectC(fsys fs.FS) (Project, error) {
	if b, err := read(fsys, "Makefile"); err != nil || b == nil {
		return Project{}, err
	}
	found, err := anyFile(fsys, func(name string) (bool, error) { return strings.HasSuffix(name, ".bpf.c"), nil })
	if !found {
		return Project{}, err
	}
	return Project{Framework: Libbpf}, nil
}

func detectBpftrace(fsys fs.FS) (Project, error) {
	sources, err := allFiles(fsys, func(name string) (bool, error) { return strings.HasSuffix(name, ".bt"), nil })
	if len(sources) == 0 {
		return Project{}, err
	}
	return Project{Framework: Bpftrace, Sources: sources}, err
}

func detectBCC(fsys fs.FS) (Project, error) {
	found := false
	var programs []string // those that say so: others may be modules
	sources, err := allFiles(fsys, func(name string) (bool, error) {
		if !strings.HasSuffix(name, ".py") {
			return false, nil
		}
		b, err := read(fsys, name)
		imports := importsBCC.Match(b)
		found = found || imports
		if imports = imports && !isTest(name); imports && pythonMain.Match(b) {
			programs = append(programs, name)
		}
		return imports, err
	})
	if !found {
		return Project{}, err
	}
	if len(programs) > 0 {
		slices.Sort(programs)
		sources = programs
	}
	return Project{Framework: BCC, Sources: sources}, err
}

// isTest reports whether a Python file is a test, by the names that pytest and
// unittest look for.
func isTest(name string) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || base == "conftest.py" {
		return true
	}
	return slices.ContainsFunc(strings.Split(path.Dir(name), "/"), func(dir string) bool { return dir == "tests" || dir == "test" })
}

// makeRules are the rules that a Makefile has.
type makeRules struct{ build, clean bool }

func readMakefile(fsys fs.FS) (makeRules, error) {
	text, err := readAnyMakefile(fsys)
	return makeRules{build: buildRule.MatchString(text), clean: cleanRule.MatchString(text)}, err
}
