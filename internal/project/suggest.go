package project

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Suggest returns the settings that a project needs: those that its own files tell,
// and what has to be filled in because they do not. What the given settings have
// is neither.
func Suggest(fsys fs.FS, framework Framework, given Settings) (told Settings, open []api.OpenSetting, err error) {
	command, err := makeRun(fsys)
	if err != nil {
		return told, nil, err
	}
	if framework == Bpftrace || framework == BCC {
		if len(given.Run) > 0 {
			return told, nil, nil
		}
		p, err := Detect(fsys)
		if err != nil || p.Framework != framework {
			return told, nil, err
		}
		told.Run, open, err = suggestRun(fsys, p, command)
		return told, open, err
	}
	if len(given.Attach) > 0 || len(given.Run) > 0 {
		return told, nil, nil
	}
	list, err := unplaced(fsys)
	if err != nil || len(list) == 0 {
		return told, nil, err
	}
	if target := targetOf(command, list[0].kind); target != "" && len(list) == 1 {
		told.Attach = []api.AttachOption{{Program: list[0].program, Target: target}}
		return told, nil, nil
	}
	return told, []api.OpenSetting{needAttach(list)}, nil
}

// suggestRun says how a program is run that is compiled when it runs.
func suggestRun(fsys fs.FS, p Project, command []string) (run []string, open []api.OpenSetting, _ error) {
	file, args := script(command)
	if slices.Contains(p.Sources, file) {
		takes, _, err := parameters(fsys, file)
		if err != nil {
			return nil, nil, err
		}
		if len(p.Sources) == 1 && len(args) == 0 && len(takes) == 0 { // as it is run without a setting
			return nil, nil, nil
		}
		if len(args) > 0 || len(takes) == 0 {
			return command, nil, nil
		}
	}
	switch len(p.Sources) {
	case 0:
		return nil, nil, nil
	case 1:
		takes, example, err := parameters(fsys, p.Sources[0])
		if err != nil || len(takes) == 0 {
			return nil, nil, err
		}
		reason := p.Sources[0] + " takes an argument"
		if len(takes) > 1 {
			reason = fmt.Sprintf("%s takes %d arguments", p.Sources[0], len(takes))
		}
		return nil, []api.OpenSetting{openRun(reason, slices.Concat(p.Run, example))}, nil
	default:
		reason := fmt.Sprintf("the project has %d %s programs, of which load takes one", len(p.Sources), p.Framework)
		_, example, err := parameters(fsys, p.Sources[0])
		return nil, []api.OpenSetting{openRun(reason, slices.Concat(commandOf(p.Sources[0]), example))}, err
	}
}

func openRun(reason string, run []string) api.OpenSetting {
	return api.OpenSetting{Name: "run", Reason: reason, Example: Member("run", run)}
}

// Member writes a setting as devcontainer.json has it.
func Member(name string, value any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return ""
	}
	text := strings.TrimSpace(b.String())
	return fmt.Sprintf("%q: %s", name, strings.NewReplacer(`","`, `", "`, `":"`, `": "`, `},{`, `}, {`).Replace(text))
}

var (
	bpftraceComment = regexp.MustCompile(`(?s)//[^\n]*|/\*.*?\*/`)
	plainWords      = regexp.MustCompile(`^[\w./:+=@%-]+(?: +[\w./:+=@%-]+)*$`)
)

// parameters returns the arguments that a program cannot do without, and what they
// could be: what its comments say, else their names.
func parameters(fsys fs.FS, file string) (takes, example []string, _ error) {
	text, err := read(fsys, file)
	if err != nil {
		return nil, nil, err
	}
	if path.Ext(file) == ".py" {
		for _, name := range positionals(lex(string(text), langPython)) {
			takes = append(takes, name)
			example = append(example, strings.ToUpper(name))
		}
		return takes, example, nil
	}
	code := bpftraceComment.ReplaceAllString(string(text), "")
	if strings.Contains(code, "$#") { // it looks how many there are
		return nil, nil, nil
	}
	for n := 1; n <= 9 && regexp.MustCompile(fmt.Sprintf(`\$%d\b`, n)).MatchString(code); n++ {
		takes = append(takes, fmt.Sprintf("$%d", n))
		example = append(example, fmt.Sprintf("ARG%d", n))
	}
	for _, comment := range bpftraceComment.FindAllString(string(text), -1) {
		for line := range strings.Lines(comment) {
			_, after, ok := strings.Cut(line, path.Base(file)+" ")
			if words := strings.Fields(after); ok && plainWords.MatchString(strings.TrimSpace(after)) && len(words) == len(takes) {
				return takes, words, nil
			}
		}
	}
	return takes, example, nil
}

// positionals returns the arguments that argparse asks for.
func positionals(tokens []lexeme) []string {
	var names []string
	for i, t := range tokens {
		if !t.is("add_argument") || !matches(tokens[i:], word, "(") {
			continue
		}
		args := arguments(tokens[i+2:])
		name := constant(args["0"]).text
		if n := constant(args["nargs"]).text; name != "" && name[0] != '-' && n != "?" && n != "*" {
			names = append(names, name)
		}
	}
	return names
}

// placeless is a BPF program that does not say where it is attached.
type placeless struct{ program, kind string }

// unplaced returns the BPF programs, in C and Rust, whose sections leave open where
// they are attached.
func unplaced(fsys fs.FS) ([]placeless, error) {
	var list []placeless
	others := map[string]bool{}
	_, err := anyFile(fsys, func(name string) (bool, error) {
		ext := path.Ext(name)
		if !source(name) || ext != ".c" && ext != ".rs" || foreign(fsys, path.Dir(name), others) {
			return false, nil
		}
		text, err := read(fsys, name)
		if err != nil {
			return false, nil // it may not be read; the build says so
		}
		if ext == ".c" {
			list = append(list, unplacedC(string(text))...)
		} else {
			list = append(list, unplacedRust(string(text))...)
		}
		return len(list) > maxPoints, nil
	})
	return list, err
}

func unplacedC(src string) []placeless {
	if !strings.Contains(src, "SEC(") {
		return nil
	}
	var list []placeless
	tokens := lex(src, langC)
	for i := range tokens {
		t := tokens[i:]
		if !matches(t, "SEC", "(", str, ")") {
			continue
		}
		if kind, program := needsPlace(t[2].text), programName(t[4:]); kind != "" && program != "" {
			list = append(list, placeless{program, kind})
		}
	}
	return list
}

var ayaProgram = regexp.MustCompile(`(?m)^\s*#\[(xdp|classifier|uprobe|uretprobe|kprobe|kretprobe|tracepoint|cgroup_skb)(?:\([^)="]*\))?\]\s*(?:#\[[^\]]*\]\s*)*pub\s+(?:unsafe\s+)?(?:extern\s+"C"\s+)?fn\s+(\w+)`)

func unplacedRust(src string) []placeless {
	if !strings.Contains(src, "aya_ebpf") {
		return nil
	}
	var list []placeless
	for _, m := range ayaProgram.FindAllStringSubmatch(src, -1) {
		list = append(list, placeless{m[2], needsPlace(m[1])})
	}
	return list
}

// needsPlace returns what sort of place a section leaves open, "" for one that
// says it or needs none.
func needsPlace(section string) string {
	head, target, _ := strings.Cut(strings.TrimPrefix(section, "?"), "/")
	head, _, _ = strings.Cut(head, ".")
	switch head {
	case "xdp", "tc", "tcx", "classifier":
		return "interface"
	case "cgroup", "cgroup_skb":
		return "cgroup"
	case "uprobe", "uretprobe", "kprobe", "kretprobe", "tracepoint", "tp":
		if target == "" {
			return strings.NewReplacer("uret", "u", "kret", "k", "tp", "tracepoint").Replace(head)
		}
	}
	return ""
}

// needAttach says which programs need a place.
func needAttach(list []placeless) api.OpenSetting {
	var names []string
	var options []api.AttachOption
	for _, p := range list {
		names = append(names, p.program)
		options = append(options, api.AttachOption{Program: p.program, Target: map[string]string{
			"interface": "lo", "cgroup": "/host/cgroup2", "uprobe": "libc:malloc", "kprobe": "vfs_read", "tracepoint": "sched/sched_switch",
		}[p.kind]})
	}
	const most = 3
	reason := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		reason += fmt.Sprintf(" and %d more", len(names)-most)
	}
	if len(names) == 1 {
		reason += " does not say where it is attached"
	} else {
		reason += " do not say where they are attached"
	}
	return api.OpenSetting{Name: "attach", Reason: reason, Example: Member("attach", options[:min(most, len(options))])}
}

// targetOf reads the place of a program off the options of a loader.
func targetOf(command []string, kind string) string {
	switch kind {
	case "interface":
		return optionValue(command, "i", "interface", "iface", "ifname", "dev", "device")
	case "uprobe":
		file := optionValue(command, "path", "library", "lib", "binary", "exe")
		symbol := optionValue(command, "symbol", "sym", "function", "func")
		if file != "" && symbol != "" {
			return file + ":" + symbol
		}
	}
	return ""
}

// optionValue returns what a command gives an option of one of these names.
func optionValue(command []string, names ...string) string {
	for i, w := range command {
		name, value, joined := strings.Cut(w, "=")
		if !strings.HasPrefix(name, "-") || !slices.Contains(names, strings.TrimLeft(name, "-")) {
			continue
		}
		if !joined && i+1 < len(command) {
			value = command[i+1]
		}
		if value != "" && value[0] != '-' {
			return value
		}
	}
	return ""
}
