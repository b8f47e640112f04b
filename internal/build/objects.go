package build

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
)

const (
	maxObject  = 64 << 20 // bytes; no kernel takes a program anywhere near
	maxObjects = 256
)

// collect reads the objects that match a pattern, sorted by path: ELF files for
// the BPF machine, of this machine's byte order and, where bpf2go puts a machine
// into the name, of this machine. Copies are left out, links are not followed.
func collect(ctx context.Context, dir string, patterns []string) ([]api.Object, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, api.E("build", dir, api.ErrEnvironment, err)
	}
	defer root.Close()
	var objects []api.Object
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // a folder that may not be read or is gone by now
			return ignore(d)
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || !matchAny(patterns, name) || foreignArch(d.Name()) {
			return nil
		}
		data, err := readObject(root, name)
		if err != nil || data == nil {
			return err
		}
		if slices.ContainsFunc(objects, func(o api.Object) bool { return bytes.Equal(o.Data, data) }) {
			return nil // cargo and others keep copies
		}
		if len(objects) == maxObjects {
			return api.Errorf("build", dir, api.ErrInvalid, fmt.Sprintf("more than %d objects match", maxObjects))
		}
		objects = append(objects, api.Object{Name: path.Base(name), Path: name, Data: data})
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return nil, api.E("build", dir, "", err)
	}
	return objects, err
}

func ignore(d fs.DirEntry) error {
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, _ := project.Match(p, name); ok { // plan has checked the patterns
			return true
		}
	}
	return false
}

// readObject returns a file's content, nil when it is no BPF object for this
// machine.
func readObject(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	head := make([]byte, 20)
	if _, err := io.ReadFull(f, head); err != nil || !isBPF(head) {
		return nil, nil // too short, or something else
	}
	if info.Size() > maxObject {
		return nil, api.Errorf("read", name, api.ErrInvalid, "an object of more than 64 MiB")
	}
	rest, err := io.ReadAll(io.LimitReader(f, maxObject))
	return append(head, rest...), err
}

// isBPF reports whether a file begins as a relocatable ELF file for the BPF
// machine in this machine's byte order.
func isBPF(head []byte) bool {
	const (
		class64      = 2
		little, big  = 1, 2
		relocatable  = 1
		machineBPF   = 247
		dataEncoding = 5
	)
	order, native := binary.ByteOrder(binary.LittleEndian), byte(little)
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		order, native = binary.BigEndian, big
	}
	return string(head[:4]) == "\x7fELF" && head[4] == class64 && head[dataEncoding] == native &&
		order.Uint16(head[16:]) == relocatable && order.Uint16(head[18:]) == machineBPF
}

// foreignArch reports whether a file has the name that bpf2go gives to an object
// for another machine: "exec_arm64_bpfel.o" on amd64.
func foreignArch(name string) bool {
	stem, ok := strings.CutSuffix(name, "_bpfel.o")
	if !ok {
		stem, ok = strings.CutSuffix(name, "_bpfeb.o")
	}
	if !ok {
		return false
	}
	switch arch := stem[strings.LastIndexByte(stem, '_')+1:]; arch {
	case "x86", "arm64", "arm", "loongarch", "mips", "powerpc", "riscv", "s390":
		return arch != kernelArch(runtime.GOARCH)
	default:
		return false
	}
}

// kernelArch is the kernel's name for a Go architecture, as bpf2go has it.
func kernelArch(goarch string) string {
	switch goarch {
	case "386", "amd64":
		return "x86"
	case "loong64":
		return "loongarch"
	case "mips", "mipsle", "mips64", "mips64le":
		return "mips"
	case "ppc64", "ppc64le":
		return "powerpc"
	case "riscv64":
		return "riscv"
	case "s390x":
		return "s390"
	default:
		return goarch
	}
}
