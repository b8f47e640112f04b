package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary runs as ebpfdev itself when it is called by that name, or as a
// guest's first process and that one's child.
func TestMain(m *testing.M) {
	if os.Args[0] == "/init" {
		main()
	}
	testscript.Main(m, map[string]func(){"ebpfdev": main, "ebpfdev-archive": mainWithArchive})
}

// TestScripts runs what needs neither an engine nor privileges. Each script
// opens with the behaviour that it pins down.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		Setup:         setup,
		Cmds:          scriptCommands(),
		Condition:     condition,
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// setup gives a script an environment of its own: no engine unless the script
// asks for the machine's, no colours, no settings of the person who tests.
func setup(e *testscript.Env) error {
	for _, name := range []string{"home", "run", "tmp"} {
		if err := os.MkdirAll(filepath.Join(e.WorkDir, name), 0o700); err != nil {
			return err
		}
	}
	e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
	e.Setenv("XDG_RUNTIME_DIR", filepath.Join(e.WorkDir, "run"))
	e.Setenv("TMPDIR", filepath.Join(e.WorkDir, "tmp"))
	e.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	e.Setenv("NO_COLOR", "1")
	return nil
}

// condition knows [docker] and [kernel]. In CI a part that is missing fails the
// script instead of skipping it.
func condition(name string) (bool, error) {
	var have bool
	switch name {
	case "docker":
		have = exec.Command("docker", "version").Run() == nil
	case "kernel":
		have = os.Geteuid() == 0 && exec.Command("clang", "--version").Run() == nil
	default:
		return false, errors.New("unknown condition")
	}
	if !have && os.Getenv("CI") == "true" {
		return false, errors.New(name + " is missing, and CI must not skip")
	}
	return have, nil
}

func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits":   cmdExits,
		"elfbomb": cmdELFBomb,
		"json":    cmdJSON,
		"brokenpipe": func(ts *testscript.TestScript, _ bool, args []string) {
			r, w, err := os.Pipe()
			ts.Check(err)
			ts.Check(r.Close())
			defer w.Close()
			checkExit(ts, w, args)
		},
		"devfull": func(ts *testscript.TestScript, _ bool, args []string) {
			w, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			ts.Check(err)
			defer w.Close()
			checkExit(ts, w, args)
		},
	}
}

// cmdExits is "exits CODE COMMAND...": the command must end with this code. Its
// output goes to the files out and err where the script is.
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	out, err := os.Create(ts.MkAbs("out"))
	ts.Check(err)
	defer out.Close()
	checkExit(ts, out, args)
}

// cmdJSON is "json CODE COMMAND...": as exits, and standard output must be one
// JSON value, also when the command fails.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	cmdExits(ts, neg, args)
	if out := ts.ReadFile("out"); !json.Valid([]byte(out)) {
		ts.Fatalf("standard output is no JSON: %q\n%s", out, ts.ReadFile("err"))
	}
}

func checkExit(ts *testscript.TestScript, out *os.File, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath(filepath.Join(strings.SplitN(ts.Getenv("PATH"), string(os.PathListSeparator), 2)[0], args[1]))
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range strings.Fields("PATH HOME XDG_CACHE_HOME XDG_RUNTIME_DIR TMPDIR DOCKER_HOST NO_COLOR TERM GOPROXY GOCOVERDIR EXIT ARCHIVE MIRROR") {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &said
	code := 0
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exit):
		code = exit.ExitCode()
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			code = -int(ws.Signal()) // killed, where an exit is wanted
		}
	case err != nil:
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs("err"), said.Bytes(), 0o600))
	if code != want {
		ts.Fatalf("exit code %d, want %d\n%s", code, want, said.String())
	}
}

// cmdELFBomb writes a BPF object of a few hundred bytes that claims a .bss of 2 GiB.
func cmdELFBomb(ts *testscript.TestScript, _ bool, args []string) {
	const size = 64
	names := []byte("\x00.bss\x00.shstrtab\x00")
	header := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: uint32(elf.EV_CURRENT),
		Shoff: size + uint64(len(names)), Ehsize: size, Shentsize: size, Shnum: 3, Shstrndx: 2,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	header.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	var b bytes.Buffer
	for _, part := range []any{
		header, names,
		elf.Section64{},
		elf.Section64{Name: 1, Type: uint32(elf.SHT_NOBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_WRITE), Off: size, Size: 2 << 30, Addralign: 8},
		elf.Section64{Name: 6, Type: uint32(elf.SHT_STRTAB), Off: size, Size: uint64(len(names)), Addralign: 1},
	} {
		ts.Check(binary.Write(&b, binary.LittleEndian, part))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}
