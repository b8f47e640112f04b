package guest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// mount is a file system that a guest has.
type mount struct{ kind, dir, data string }

// mounts are in the order in which they have to be made. What a kernel lacks is
// left out.
var mounts = [...]mount{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", ""},
	{"devpts", "/dev/pts", ""},
	{"tmpfs", "/dev/shm", ""},
	{"tmpfs", "/run", ""},
	{"tmpfs", "/tmp", ""},
	{"bpf", "/sys/fs/bpf", ""},
	{"tracefs", "/sys/kernel/tracing", ""},
	{"debugfs", "/sys/kernel/debug", ""},
	{"securityfs", "/sys/kernel/security", ""},
	{"cgroup2", "/sys/fs/cgroup", ""},
}

// IsInit reports whether this process is the first of its kernel.
func IsInit() bool { return os.Getpid() == 1 }

// Init is the first process: it makes the machine ready, runs argv and everything
// that loses its parent to the end, and turns the machine off. It returns only
// when it is not the first process. What it has to say goes to the console.
func Init(argv []string, console io.Writer) error {
	if !IsInit() {
		return errors.New("this is for the first process of a virtual machine")
	}
	if err := prepare(); err != nil {
		fmt.Fprintln(console, "ebpfdev init:", err)
	}
	if err := run(argv, console); err != nil {
		fmt.Fprintln(console, "ebpfdev init:", err)
	}
	unix.Sync()
	return unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // QEMU ends then
}

// prepare mounts file systems, brings the loopback interface up and lifts limits.
func prepare() error {
	var errs []error
	for _, m := range mounts {
		err := os.MkdirAll(m.dir, 0o755)
		if err == nil {
			err = unix.Mount(m.kind, m.dir, m.kind, 0, m.data)
		}
		// ENODEV: this kernel has none. EBUSY: the kernel mounted it itself.
		if err != nil && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.EBUSY) {
			errs = append(errs, fmt.Errorf("mount %s: %w", m.dir, err))
		}
	}
	errs = append(errs,
		unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}),
		unix.Sethostname([]byte("guest")),
		loopback(),
	)
	return errors.Join(errs...)
}

func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}

// run starts argv and waits until it has ended; meanwhile it takes in every other
// process that has ended without a parent.
func run(argv []string, console io.Writer) error {
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // it lives as long as the machine
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=dumb"}
	cmd.Stdout, cmd.Stderr = console, console
	if err := cmd.Start(); err != nil {
		return err
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return os.NewSyscallError("wait4", err)
		}
		if pid == cmd.Process.Pid {
			if status.Exited() && status.ExitStatus() == 0 {
				return nil
			}
			return fmt.Errorf("%s ended: status %#x", argv[0], uint32(status))
		}
	}
}
