package vm

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/kernel/initramfs"
)

// firstExtra is the descriptor that the first of exec.Cmd's ExtraFiles gets.
const firstExtra = 3

// files are what QEMU is given by descriptor.
type files struct {
	list                   []*os.File
	memory, kernel, initrd string   // paths by which QEMU opens them
	line                   int      // the descriptor that the console goes to
	console                *os.File // its other end, here
	own                    []*os.File
}

// add returns the descriptor that QEMU gets.
func (f *files) add(file *os.File) int {
	f.list = append(f.list, file)
	return firstExtra + len(f.list) - 1
}

func path(descriptor int) string { return "/proc/self/fd/" + strconv.Itoa(descriptor) }

func (f *files) close() {
	for _, file := range f.own {
		_ = file.Close()
	}
}

func openFiles(c Config, m *memory) (_ *files, err error) {
	f := &files{}
	f.memory = path(f.add(m.file))
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	for _, open := range []struct {
		path *string
		file func() (*os.File, error)
	}{
		{&f.kernel, func() (*os.File, error) { return os.Open(c.Kernel) }},
		{&f.initrd, func() (*os.File, error) { return root(c.Init) }},
	} {
		file, err := open.file()
		if err != nil {
			return nil, err
		}
		f.own = append(f.own, file)
		*open.path = path(f.add(file))
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	f.console, f.own, f.line = read, append(f.own, write), f.add(write)
	return f, nil
}

// root writes an initramfs with an executable as /init into a file without a name.
func root(executable string) (_ *os.File, err error) {
	init, err := os.Open(executable)
	if err != nil {
		return nil, err
	}
	defer func() { _ = init.Close() }()
	if err := runsAlone(init); err != nil {
		return nil, fmt.Errorf("%s cannot be a guest's first process: %w", executable, err)
	}
	info, err := init.Stat()
	if err != nil {
		return nil, err
	}
	file, err := nameless("initramfs")
	if err != nil {
		return nil, err
	}
	w := initramfs.NewWriter(file)
	w.Device("/dev/console", 5, 1) // the first process's streams, before /dev is mounted
	w.Dir("/root")
	w.File("/init", 0o755, info.Size(), init)
	if err := w.Close(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// runsAlone refuses an executable that a guest could not start.
func runsAlone(r io.ReaderAt) error {
	f, err := elf.NewFile(r)
	if err != nil {
		return errors.New("it is no Linux program")
	}
	if f.Machine != elf.EM_X86_64 {
		return fmt.Errorf("it is for %s, the guest is x86-64", f.Machine)
	}
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return errors.New("it needs shared libraries; build it with CGO_ENABLED=0")
	}
	return nil
}

// arguments is the measured recipe.
func arguments(c Config, f *files) []string {
	// With cmpxchg16b one emulated boot of 6.12 in ten ended in a double fault.
	accel, cpu := "tcg", "max,-cx16"
	switch {
	case c.KVM:
		accel, cpu = "kvm", "host"
	case c.Wide:
		cpu = "max"
	}
	return []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		// acpi=on hangs in one boot of five, for want of a clock; without the real
		// time clock a boot takes one to two seconds more.
		"-M", "microvm,acpi=off,isa-serial=on,rtc=on,pit=on,pic=on,memory-backend=ram",
		"-accel", accel, "-cpu", cpu,
		"-m", mebibytes(c.Memory), "-smp", "1",
		"-object", fmt.Sprintf("memory-backend-file,id=ram,size=%s,mem-path=%s,share=on", mebibytes(c.Memory), f.memory),
		"-kernel", f.kernel, "-initrd", f.initrd,
		"-add-fd", fmt.Sprintf("fd=%d,set=1", f.line),
		"-chardev", "file,id=console,path=/dev/fdset/1,append=on", "-serial", "chardev:console",
		"-chardev", "stdio,id=bell,signal=off", "-device", "isa-serial,chardev=bell,index=1",
		"-append", strings.Join(append(kernelWords(), append([]string{"--"}, c.Args...)...), " "),
	}
}

// kernelWords is the kernel's command line.
func kernelWords() []string {
	words := []string{
		"console=ttyS0", "quiet", "panic=-1", "rdinit=/init",
		"reboot=triple", // ends QEMU at once; the other ways take three seconds
		// Each saves 0.1 to 0.5 s of a boot. A bare word that some kernel does not know
		// must not be among them: that kernel hands it to the first process.
		"cryptomgr.notests", "initcall_blacklist=jent_mod_init", "init_on_alloc=0", "8250.nr_uarts=2",
		"pci=off", "i8042.noaux", "random.trust_cpu=1",
	}
	// Without it the clock is calibrated against an emulated timer, which now and
	// then fails; the kernel's clock then ticks in steps of 4 ms.
	if khz := tscKHz(); khz > 0 {
		words = append(words, "tsc_early_khz="+strconv.FormatUint(khz, 10), "tsc=reliable")
	}
	return words
}

func mebibytes(n int64) string { return strconv.FormatInt(n>>20, 10) + "M" }
