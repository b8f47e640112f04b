package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

const (
	killGrace  = 500 * time.Millisecond // between asking a build's processes to end and killing them
	drainGrace = time.Second            // for output that a process outside of the build holds open
)

// command is one step of a build.
type command struct {
	argv []string
	dir  string
	user buildUser
}

// run runs a step, hands its lines to fn on this goroutine and returns when
// none of its processes is left.
func run(ctx context.Context, c command, fn func(api.BuildEvent) error) error {
	path, err := lookPath(c.argv[0], c.dir, c.user.env)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := make(chan output)
	p, err := start(path, c, out)
	if err != nil {
		return startError(c, err)
	}
	stop := context.AfterFunc(ctx, p.end)
	defer stop()

	var (
		said    = map[bool]*tail{false: {}, true: {}} // true for standard error
		stopped error                                 // by fn
	)
	for o := range out {
		// Once nobody listens it is read all the same: the tools must not block.
		for i := 0; i < len(o.lines) && ctx.Err() == nil; i++ {
			said[o.stderr].add(o.lines[i])
			if stopped = fn(api.BuildEvent{Line: o.lines[i], Stderr: o.stderr}); stopped != nil {
				cancel()
			}
		}
	}
	<-p.ended
	switch state := p.group.cmd.ProcessState; {
	case stopped != nil:
		return stopped
	case ctx.Err() != nil:
		return ctx.Err()
	case state.Success():
		return nil
	case said[true].size > 0:
		return toolError(c.argv, exitCode(state), said[true].String())
	default:
		return toolError(c.argv, exitCode(state), said[false].String())
	}
}

// process is a step that runs.
type process struct {
	group   *group
	outputs [2]*os.File
	ended   chan struct{}
}

// start starts a step. What it prints goes to out, which is closed after the last.
func start(path string, c command, out chan<- output) (*process, error) {
	stdout, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, errW, err := os.Pipe()
	if err != nil {
		closeAll(stdout, outW)
		return nil, err
	}
	// No CommandContext: it kills one process, and we end the whole group.
	cmd := &exec.Cmd{Path: path, Args: c.argv, Dir: c.dir, Env: append(without(c.user.env, "PWD", "OLDPWD"), "PWD="+c.dir), Stdout: outW, Stderr: errW}
	prepare(cmd, c.user)
	err = cmd.Start()
	closeAll(outW, errW)
	if err != nil {
		closeAll(stdout, stderr)
		return nil, err
	}
	p := &process{group: &group{cmd: cmd}, outputs: [2]*os.File{stdout, stderr}, ended: make(chan struct{})}
	var readers sync.WaitGroup
	readers.Go(func() { read(stdout, false, out) })
	readers.Go(func() { read(stderr, true, out) })
	go func() {
		p.group.wait()
		limit(stdout, stderr)
		readers.Wait()
		closeAll(stdout, stderr)
		close(p.ended)
		close(out)
	}()
	return p, nil
}

// end asks every process of the step to end, kills those that do not, and
// listens no longer.
func (p *process) end() {
	p.group.terminate()
	t := time.NewTimer(killGrace)
	defer t.Stop()
	select {
	case <-t.C:
		p.group.kill()
		closeAll(p.outputs[:]...)
	case <-p.ended:
	}
}

// read hands on lines until the end. Once the step has ended, output that is
// still open counts as ended when nothing more comes of it.
func read(f *os.File, stderr bool, out chan<- output) {
	_ = readLines(patient{f}, func(lines []string) { out <- output{lines, stderr} })
}

// patient reads a file with a deadline and gives up only when a read waits in
// vain, not when its reader was slow.
type patient struct{ f *os.File }

// Read implements io.Reader.
func (p patient) Read(b []byte) (int, error) {
	n, err := p.f.Read(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		limit(p.f)
		n, err = p.f.Read(b)
	}
	return n, err
}

func limit(files ...*os.File) {
	for _, f := range files {
		_ = f.SetReadDeadline(time.Now().Add(drainGrace)) // a pipe of ours always can
	}
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// toolError is the error of a step that failed. A tool that the step itself
// missed is named.
func toolError(argv []string, code int, said string) error {
	err := &api.ToolError{Tool: stepName(argv), ExitCode: code, Stderr: said}
	if m := toolMissing.FindStringSubmatch(said); m != nil {
		return api.E("run", stepName(argv), api.ErrEnvironment, err).WithHint(install(m[1] + m[2] + m[3]))
	}
	return err
}

// toolMissing finds what Go programs, shells and make say of a tool that is not
// there.
var toolMissing = regexp.MustCompile(`exec: "([\w.+-]+)": executable file not found` +
	`|(?m::(?: line)? \d+: ([\w.+-]+): (?:command )?not found$)` +
	`|(?m:^make(?:\[\d+\])?: ([\w.+-]+): No such file or directory$)`)

// stepName is a tool and its subcommand: "go generate", "make build".
func stepName(argv []string) string {
	name := filepath.Base(argv[0])
	if len(argv) > 1 && !strings.HasPrefix(argv[1], "-") && !strings.ContainsAny(argv[1], "/=") {
		name += " " + argv[1]
	}
	return name
}

func startError(c command, err error) error {
	kind := api.ErrEnvironment
	if errors.Is(err, fs.ErrPermission) {
		kind = api.ErrPermission
	}
	return api.E("run", stepName(c.argv), kind, err)
}

// lookPath finds a tool on the PATH of the build's own environment; a name with
// a slash is relative to the folder.
func lookPath(name, dir string, env []string) (string, error) {
	if strings.ContainsRune(name, '/') || filepath.IsAbs(name) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if executable(name) {
			return name, nil
		}
		return "", api.Errorf("run", name, api.ErrEnvironment, "there is no such program")
	}
	dirs := filepath.SplitList(lookupEnv(env, "PATH"))
	for _, d := range dirs {
		if p := filepath.Join(d, name); filepath.IsAbs(d) && executable(p) {
			return p, nil
		}
	}
	return "", api.Errorf("run", name, api.ErrEnvironment,
		fmt.Sprintf("it is not installed: not in any of %s", strings.Join(dirs, ", "))).WithHint(install(name))
}

// install is a command that brings a tool.
func install(tool string) string {
	switch tool {
	case "go":
		tool = "golang-go"
	case "llvm-strip", "llvm-objcopy":
		tool = "llvm"
	case "bpf2go":
		return "go get -tool github.com/cilium/ebpf/cmd/bpf2go"
	}
	return "apt-get install -y " + tool
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && runnable(info)
}

// without returns an environment without some variables.
func without(env []string, keys ...string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		k, _, _ := strings.Cut(kv, "=")
		return slices.Contains(keys, k)
	})
}

func lookupEnv(env []string, key string) string {
	value := ""
	for _, kv := range env { // the last one counts, as for the kernel's callers
		if k, v, ok := strings.Cut(kv, "="); ok && k == key {
			value = v
		}
	}
	return value
}
