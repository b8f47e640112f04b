package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// ErrCapabilities is in the chain of an error that a container got because the
// engine cannot grant the capabilities that were asked for. Its kind is
// api.ErrNotSupported.
var ErrCapabilities = errors.New("capabilities cannot be granted")

// Capabilities returns the names of all capabilities that Linux 5.9 and later
// know, in the kernel's order: the index is the bit.
func Capabilities() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
		"CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
		"CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
		"CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE",
		"CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
		"CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
		"CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
		"CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
		"CAP_CHECKPOINT_RESTORE",
	}
}

// DockerEngine is the Info.Name of Docker's own engine.
const DockerEngine = "Docker Engine"

// CapabilitiesOf returns the capabilities that an engine has names for. Docker
// Engine before 23 has none for CAP_PERFMON, CAP_BPF and CAP_CHECKPOINT_RESTORE
// and refuses a container that asks for one.
func CapabilitiesOf(info Info) []string {
	all := Capabilities()
	if info.Name != DockerEngine {
		return all
	}
	major, _, _ := strings.Cut(info.Version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < 23 {
		return all[:slices.Index(all, "CAP_PERFMON")]
	}
	return all
}

// ParseCapabilities returns the names in a mask as /proc/PID/status writes it:
// hexadecimal digits. Bits without a name are written as "CAP_41".
func ParseCapabilities(mask string) ([]string, error) {
	bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
	if err != nil {
		return nil, api.Errorf("parse capabilities", strconv.Quote(mask), api.ErrInvalid, "not a hexadecimal mask")
	}
	names := Capabilities()
	var caps []string
	for bit := range 64 {
		if bits&(1<<bit) == 0 {
			continue
		}
		if bit < len(names) {
			caps = append(caps, names[bit])
		} else {
			caps = append(caps, "CAP_"+strconv.Itoa(bit))
		}
	}
	return caps, nil
}

// StatusCapabilities reads one set ("CapEff", "CapBnd") of the text of
// /proc/PID/status.
func StatusCapabilities(status io.Reader, set string) ([]string, error) {
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if mask, ok := strings.CutPrefix(lines.Text(), set+":"); ok {
			return ParseCapabilities(mask)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, api.E("read process status", "", api.ErrFailed, err)
	}
	return nil, api.Errorf("read process status", "", api.ErrInvalid, "no line "+set)
}

// MissingCapabilities returns what is in want and not in have, in want's order.
func MissingCapabilities(want, have []string) []string {
	var missing []string
	for _, c := range want {
		if !slices.Contains(have, c) {
			missing = append(missing, c)
		}
	}
	return missing
}

// grantScript prints the bounding sets that limit a container: that of the
// machine's first process and those of the engine's own, one per line.
const grantScript = `for s in /proc/1/status /proc/[0-9]*/status; do
	case $s in /proc/1/status) ;; *)
		case $(cat "${s%status}comm" 2>/dev/null) in dockerd|containerd|podman) ;; *) continue ;; esac
	esac
	while read -r k v; do [ "$k" = CapBnd: ] && echo "$v"; done < "$s"
done 2>/dev/null; :`

// Grantable returns the capabilities that an engine can grant to a container,
// as far as the bounding sets of its machine and its own version tell. It runs
// an unprivileged container of image, which must be there and have a shell.
func Grantable(ctx context.Context, e Engine, image string) ([]string, error) {
	info, err := e.Info(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := runOnce(ctx, e, ContainerSpec{
		Image: image, Entrypoint: []string{"/bin/sh", "-c", grantScript}, User: "0",
		PIDMode: "host", NetworkMode: "none",
	})
	if err != nil {
		return nil, err
	}
	caps := CapabilitiesOf(info)
	for _, line := range lines {
		bounding, err := ParseCapabilities(line)
		if err != nil {
			return nil, err
		}
		caps = slices.DeleteFunc(caps, func(c string) bool { return !slices.Contains(bounding, c) })
	}
	if len(lines) == 0 {
		return nil, api.Errorf("read capabilities", image, api.ErrNotSupported, "the engine's machine shows no process 1")
	}
	return caps, nil
}

// Granted runs a container as spec says, with nothing in it but a look at its
// own capabilities, and returns those that it got. The image needs cat.
func Granted(ctx context.Context, e Engine, spec ContainerSpec) ([]string, error) {
	spec.Entrypoint, spec.Cmd, spec.User = []string{"cat", "/proc/self/status"}, nil, "0"
	lines, err := runOnce(ctx, e, spec)
	if err != nil {
		return nil, err
	}
	return StatusCapabilities(strings.NewReader(strings.Join(lines, "\n")), "CapEff")
}

// runOnce runs a container to its end, removes it and returns its standard
// output's lines.
func runOnce(ctx context.Context, e Engine, spec ContainerSpec) (lines []string, err error) {
	id, err := e.CreateContainer(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer func() {
		// The container must go even when the caller has given up.
		if rmErr := e.RemoveContainer(context.WithoutCancel(ctx), id); err == nil {
			err = rmErr
		}
	}()
	if err := e.StartContainer(ctx, id); err != nil {
		return nil, err
	}
	code, err := e.WaitContainer(ctx, id)
	if err != nil {
		return nil, err
	}
	err = e.ContainerLogs(ctx, id, LogsSpec{}, func(l api.LogLine) error {
		if !l.Stderr {
			lines = append(lines, l.Text)
		}
		return nil
	})
	if err == nil && code != 0 {
		err = api.Errorf("run container of", spec.Image, api.ErrFailed, fmt.Sprintf("exit code %d", code))
	}
	return lines, err
}

// WithoutPrivileged returns a specification that asks for the given
// capabilities, and for what else privileged lifts, instead of for privileged.
func WithoutPrivileged(spec ContainerSpec, caps []string) ContainerSpec {
	spec.Privileged = false
	spec.CapAdd = caps
	spec.SecurityOpt = append(slices.Clone(spec.SecurityOpt), "seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined", "label=disable")
	spec.Devices = append(slices.Clone(spec.Devices), "*")
	return spec
}
