package points

import (
	"bufio"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// kprobe looks a kernel function up: BTF has most and is the cheaper to ask.
func (r *resolver) kprobe(target string) api.Resolution {
	name, _, _ := strings.Cut(target, "+")
	if strings.Contains(name, ":") {
		return unknown("it may be in a module")
	}
	names := []string{name}
	if call, ok := strings.CutPrefix(name, "sys_"); ok { // loaders add what the architecture puts before it
		names = append(names, syscallNames(call)...)
	}
	found, err := r.anyFunction(names)
	switch {
	case found:
		return without("kprobe")
	case err != nil:
		return unknown(err.Error())
	}
	return missing("this kernel has no function "+name, name, r.symbols)
}

func (r *resolver) syscall(name string) api.Resolution {
	found, err := r.anyFunction(syscallNames(name))
	switch {
	case found:
		return without("kprobe")
	case err != nil:
		return unknown(err.Error())
	}
	var calls []string
	for _, symbol := range r.symbols {
		for _, prefix := range syscallPrefixes() {
			if call, ok := strings.CutPrefix(symbol, prefix); ok {
				calls = append(calls, call)
			}
		}
	}
	return missing("this kernel has no system call "+name, name, calls)
}

// syscallPrefixes are what kernels begin the functions of system calls with; the
// architecture's own came with Linux 4.17.
func syscallPrefixes() []string {
	arch := map[string]string{
		"386": "ia32", "amd64": "x64", "arm": "arm", "arm64": "arm64", "loong64": "loongarch", "ppc64": "powerpc",
		"ppc64le": "powerpc", "riscv64": "riscv", "s390x": "s390x",
	}[runtime.GOARCH]
	return []string{"__" + arch + "_sys_", "__se_sys_", "__do_sys_", "sys_"}
}

func syscallNames(call string) []string {
	names := syscallPrefixes()
	for i := range names {
		names[i] += call
	}
	return names
}

// anyFunction reports whether the kernel has one of some functions. Without an
// error r.symbols is filled in when it has none.
func (r *resolver) anyFunction(names []string) (bool, error) {
	if spec, err := r.kernel.Kernel(); err == nil && slices.ContainsFunc(names, func(name string) bool { return has(spec, name, isFunc) }) {
		return true, nil
	}
	if r.symbols == nil {
		symbols, err := kallsyms()
		if err != nil {
			return false, err
		}
		r.symbols = symbols
	}
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(r.symbols, name) }), nil
}

// kallsyms lists the kernel's and its modules' functions.
// Errors: what the system says, or that they are hidden.
func kallsyms() ([]string, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseKallsyms(f)
}

// parseKallsyms reads lines of "ffffffff81000000 T name", with "[module]" after
// the names of a module.
func parseKallsyms(r io.Reader) ([]string, error) {
	const most = 128 << 20 // bytes; a kernel with all its symbols has some 10 MiB
	var names []string
	lines := bufio.NewScanner(io.LimitReader(r, most))
	for lines.Scan() {
		_, rest, _ := strings.Cut(lines.Text(), " ")
		kind, rest, _ := strings.Cut(rest, " ")
		name, _, _ := strings.Cut(rest, "\t")
		if padding := strings.HasPrefix(name, "__pfx_") || strings.HasPrefix(name, "__cfi_"); padding {
			continue // what is before a function
		}
		switch kind {
		case "T", "t", "W", "w":
			names = append(names, name)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("/proc/kallsyms names no functions")
	}
	return names, nil
}

// fentry looks up a function that BTF has to know.
func (r *resolver) fentry(name string) api.Resolution {
	if strings.Contains(name, ":") {
		return unknown("it may be in a module")
	}
	found, err := r.inBTF(name, isFunc)
	switch {
	case err != nil:
		return unknown(err.Error())
	case found:
		return there()
	}
	var names []string
	r.eachType(func(t btf.Type) {
		if isFunc(t) {
			names = append(names, t.TypeName())
		}
	})
	return missing("this kernel's BTF has no function "+name, name, names)
}

func isFunc(t btf.Type) bool {
	_, ok := t.(*btf.Func)
	return ok
}

// inBTF looks for a type by its name in the kernel's BTF and in its modules'.
// Errors: one of them cannot be read, and no other has it.
func (r *resolver) inBTF(name string, is func(btf.Type) bool) (bool, error) {
	spec, err := r.kernel.Kernel()
	if err != nil {
		return false, err
	}
	if has(spec, name, is) {
		return true, nil
	}
	modules, err := r.kernel.Modules()
	for _, module := range modules {
		spec, moduleErr := r.kernel.Module(module)
		if moduleErr != nil {
			err = moduleErr
			continue
		}
		if has(spec, name, is) {
			return true, nil
		}
	}
	return false, err
}

func has(spec *btf.Spec, name string, is func(btf.Type) bool) bool {
	types, _ := spec.AnyTypesByName(name)
	return slices.ContainsFunc(types, is)
}

// eachType calls fn with each type of the kernel itself; it takes a third of a
// second, so it is for what is missing alone.
func (r *resolver) eachType(fn func(btf.Type)) {
	spec, err := r.kernel.Kernel()
	if err != nil {
		return
	}
	for t, err := range spec.All() {
		if err != nil {
			return
		}
		fn(t)
	}
}
