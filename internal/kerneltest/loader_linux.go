package kerneltest

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// LoaderWord is the first argument that makes a test binary (whose TestMain calls
// Main) a process that loads BPF programs itself, as bpftrace does. The words
// after it say how it behaves:
//
//	no words   load LoaderMap and LoaderProgram, print "loaded", then "bye" at the
//	           end, which SIGINT and SIGTERM are
//	idle       load nothing
//	fork       let a child do it
//	late       load a second program a moment after the first
//	ringbuf    make a ring buffer too
//	deaf       ignore SIGINT and SIGTERM
//	fail       print "no such luck" on standard error and exit with 7 instead
//	flood      print for ever
const LoaderWord = "be-a-loader"

// What the loader loads.
const (
	LoaderProgram = "loader_filter"   // socket_filter
	LoaderMap     = "AT_loader_count" // array; as bpftrace calls @loader_counts, in 15 bytes
)

// isLoader reports whether this process is to be a loader.
func isLoader() bool { return len(os.Args) > 1 && os.Args[1] == LoaderWord }

// Loader is for a test binary whose TestMain does not call Main: it does a
// loader's work when the binary was started as one, and returns its exit code.
func Loader() (code int, was bool) {
	if !isLoader() {
		return 0, false
	}
	return loader(os.Args[2:], os.Stdout, os.Stderr), true //nolint:forbidigo // the test binary is a process like any other then
}

// loader is the loader's main function; it returns the exit code.
func loader(words []string, out, errOut io.Writer) int {
	has := func(word string) bool { return slices.Contains(words, word) }
	asked, heard := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(heard, unix.SIGINT, unix.SIGTERM)
	if !has("deaf") {
		asked = heard
	}
	if has("fail") {
		fmt.Fprintln(errOut, "no such luck")
		return 7
	}
	if has("fork") {
		return forkLoader(words, out, errOut, asked)
	}
	if !has("idle") {
		if err := loadAll(has("late"), has("ringbuf")); err != nil {
			fmt.Fprintln(errOut, err)
			return 1
		}
		says, _ := os.LookupEnv("LOADER_SAYS")
		fmt.Fprintln(out, "loaded", says)
	}
	for has("flood") {
		select {
		case <-asked:
			return 0
		default:
			fmt.Fprintln(out, strings.Repeat("flood ", 100))
		}
	}
	<-asked
	fmt.Fprintln(out, "bye")
	return 0
}

// forkLoader lets a child load and waits for it.
func forkLoader(words []string, out, errOut io.Writer, asked <-chan os.Signal) int {
	cmd := exec.Command("/proc/self/exe", append([]string{LoaderWord}, slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "fork" })...)...)
	cmd.Stdout, cmd.Stderr = out, errOut
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(errOut, err)
		return 1
	}
	<-asked
	return 0
}

// loadAll makes the map and the program with bpf(2) itself and keeps them open.
func loadAll(late, ring bool) error {
	if err := createMap(); err != nil {
		return fmt.Errorf("create map: %w", err)
	}
	if ring {
		if _, err := newMap(unix.BPF_MAP_TYPE_RINGBUF, 0, 0, uint32(os.Getpagesize())); err != nil {
			return fmt.Errorf("create ring buffer: %w", err)
		}
	}
	if err := loadProgram(); err != nil {
		return fmt.Errorf("load program: %w", err)
	}
	if late {
		time.AfterFunc(200*time.Millisecond, func() { _ = loadProgram() })
	}
	return nil
}

func name(s string) (n [16]byte) {
	copy(n[:15], s)
	return n
}

// newMap creates a map and returns its file descriptor, which stays open.
func newMap(typ, keySize, valueSize, entries uint32) (uint32, error) {
	attr := struct {
		typ, keySize, valueSize, maxEntries, flags, inner, numa uint32
		name                                                    [16]byte
	}{typ: typ, keySize: keySize, valueSize: valueSize, maxEntries: entries, name: name(LoaderMap)}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, errno
	}
	return uint32(fd), nil
}

func createMap() error {
	fd, err := newMap(unix.BPF_MAP_TYPE_ARRAY, 4, 16, 2)
	if err != nil {
		return err
	}
	key, value := uint32(0), [16]byte{}
	copy(value[:], "bash")
	elem := struct {
		fd         uint32
		_          uint32
		key, value unsafe.Pointer
		flags      uint64
	}{fd: fd, key: unsafe.Pointer(&key), value: unsafe.Pointer(&value)}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_MAP_UPDATE_ELEM, uintptr(unsafe.Pointer(&elem)), unsafe.Sizeof(elem))
	if errno != 0 {
		return errno
	}
	return nil
}

func loadProgram() error {
	insns := []uint64{0xb7, 0x95} // r0 = 0; exit
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		insns = []uint64{0xb7 << 56, 0x95 << 56}
	}
	license := []byte("GPL\x00")
	attr := struct {
		typ, count       uint32
		insns, license   unsafe.Pointer
		level, logSize   uint32
		log              uint64
		version, flags   uint32
		name             [16]byte
		ifindex, expects uint32
	}{typ: unix.BPF_PROG_TYPE_SOCKET_FILTER, count: uint32(len(insns)), insns: unsafe.Pointer(&insns[0]), license: unsafe.Pointer(&license[0]), name: name(LoaderProgram)}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(insns)
	if errno != 0 {
		return errno
	}
	return nil
}
