package attach

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/tracefs"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// probe returns what attaches a program of type kprobe, which is the type of
// user space probes as well.
func probe(section string) attacher {
	kind, rest, _ := strings.Cut(section, ".")
	several := strings.HasPrefix(rest, "multi")
	switch {
	case kind == "kprobe" && (several || rest == "session"), kind == "kretprobe" && several:
		return single(kprobeMulti)
	case (kind == "uprobe" || kind == "uretprobe") && several:
		return single(uprobeMulti)
	case kind == "uprobe" && strings.HasPrefix(rest, "session"):
		return single(uprobeSession)
	case kind == "kprobe", kind == "ksyscall":
		return single(func(j *job) (link.Link, error) { return kprobe(j, link.Kprobe) })
	case kind == "kretprobe", kind == "kretsyscall":
		return single(func(j *job) (link.Link, error) { return kprobe(j, link.Kretprobe) })
	case kind == "uprobe":
		return single(func(j *job) (link.Link, error) { return uprobe(j, (*link.Executable).Uprobe) })
	case kind == "uretprobe":
		return single(func(j *job) (link.Link, error) { return uprobe(j, (*link.Executable).Uretprobe) })
	case kind == "usdt":
		return usdtProbe
	default:
		return other
	}
}

func kprobe(
	j *job, attach func(string, *ebpf.Program, *link.KprobeOptions) (link.Link, error),
) (link.Link, error) {
	syscall := strings.HasSuffix(j.section, "syscall")
	if j.target == "" && syscall {
		return nil, needs(j, "a system call", "unlinkat")
	}
	if j.target == "" {
		return nil, needs(j, "a kernel function", "vfs_unlink")
	}
	symbol, offset, err := splitOffset(j.target)
	if err != nil {
		return nil, api.Errorf("attach", j.name, api.ErrUsage, err.Error())
	}
	if syscall {
		symbol = "sys_" + symbol // cilium/ebpf adds the architecture's prefix
	}
	l, err := attach(symbol, j.prog, &link.KprobeOptions{Offset: offset})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, link.ErrNotSupported) {
		return nil, api.E("attach", j.name, api.ErrNotSupported, err).
			WithHint(shell.Join("grep", "-w", symbol, "/proc/kallsyms"))
	}
	return l, err
}

// list returns the target's names: commas part them, and what has no value is no
// mode but a name.
func (j *job) list() []string {
	names := strings.Split(j.target, ",")
	for word := range strings.SplitSeq(j.mode, ",") {
		if word != "" && !strings.Contains(word, "=") {
			names = append(names, word)
		}
	}
	return names
}

// kprobeMulti attaches to many functions at once (Linux 5.18; sessions: 6.10).
func kprobeMulti(j *job) (link.Link, error) {
	if j.target == "" {
		return nil, needs(j, "kernel functions or patterns of them", "'vfs_*,do_exit'")
	}
	symbols, err := j.functions()
	if err != nil {
		return nil, err
	}
	opts := link.KprobeMultiOptions{Symbols: symbols, Session: j.spec.AttachType == ebpf.AttachTraceKprobeSession}
	attach := link.KprobeMulti
	if strings.HasPrefix(j.section, "kret") {
		attach = link.KretprobeMulti
	}
	l, err := attach(j.prog, opts)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, j.missing(api.ErrNotSupported, "this kernel cannot trace all of "+strings.Join(j.list(), ", "),
			shell.Join("grep", "-w", j.list()[0], filepath.Join(tracefs.Dir, availableFunctions)))
	}
	if errors.Is(err, link.ErrNotSupported) {
		return nil, api.Errorf("attach", j.name, api.ErrNotSupported,
			"this kernel has no "+j.section+" (kprobe.multi came with Linux 5.18, sessions with 6.10, both with CONFIG_FPROBE); a section kprobe attaches to one function")
	}
	return l, err
}

// availableFunctions is the file of tracefs that lists what can be traced.
const availableFunctions = "available_filter_functions"

// functions returns the names of the target with patterns replaced by what they
// match of the functions that can be traced.
func (j *job) functions() ([]string, error) {
	names := j.list()
	if !slices.ContainsFunc(names, isPattern) {
		return names, nil
	}
	dir, err := tracefs.Find()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, availableFunctions)
	f, err := os.Open(file)
	if err != nil {
		return nil, api.E("attach", j.name, api.ErrNotSupported, err)
	}
	defer f.Close()
	found, err := expand(f, names)
	if err != nil {
		return nil, api.E("attach", j.name, api.ErrFailed, err)
	}
	if len(found) == 0 {
		return nil, j.missing(api.ErrNotSupported, "no function that can be traced is named "+strings.Join(names, ", "),
			shell.Join("grep", strings.Trim(names[0], "*?"), file))
	}
	return found, nil
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// expand reads a list of functions, one a line with its module after it, and
// returns those that the names and patterns match, each once.
func expand(r io.Reader, names []string) ([]string, error) {
	var found []string
	for lines := bufio.NewScanner(r); ; {
		if !lines.Scan() {
			slices.Sort(found)
			return slices.Compact(found), lines.Err()
		}
		name, _, _ := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(name, "__ftrace_invalid_address__") {
			continue
		}
		for _, pattern := range names {
			if ok, err := path.Match(pattern, name); err != nil {
				return nil, errors.New("the pattern " + pattern + " is malformed")
			} else if ok {
				found = append(found, name)
			}
		}
	}
}

// splitOffset splits "symbol+0x10".
func splitOffset(s string) (symbol string, offset uint64, _ error) {
	symbol, text, ok := strings.Cut(s, "+")
	if !ok {
		return symbol, 0, nil
	}
	offset, err := strconv.ParseUint(text, 0, 63)
	if err != nil {
		return "", 0, errors.New("the offset " + strconv.Quote(text) + " is no number")
	}
	return symbol, offset, nil
}
