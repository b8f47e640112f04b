package attach

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// socketFilter attaches to a raw packet socket of an interface, which sees what
// comes and goes there. The socket is the attachment: it cannot be pinned. What
// the filter lets through is not read, so little of it is kept.
func socketFilter(j *job) ([]Link, error) {
	if j.target == "" {
		return nil, &skip{
			reason: "a socket takes it: of the program that opens it, with setsockopt SO_ATTACH_BPF, or a packet socket on an interface",
			hint:   "--attach " + j.name + "=lo",
		}
	}
	iface, err := interfaceOf(j, "lo")
	if err != nil {
		return nil, err
	}
	where := fmt.Sprintf("packet socket %d", iface.Index)
	if l := j.inPlaceOf(where); l != nil {
		return []Link{l}, nil
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	socket := &linkless{
		why: "its packet socket ends with the process that opened it", where: where, close: func() error { return unix.Close(fd) },
		update: func(prog *ebpf.Program) error {
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, prog.FD())
		},
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1)
	if err := socket.Update(j.prog); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("attach to a packet socket: %w", err)
	}
	// Bound last: before that it gets no packets.
	protocol := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: iface.Index}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("bind a packet socket to %s: %w", j.target, err)
	}
	return []Link{socket}, nil
}
