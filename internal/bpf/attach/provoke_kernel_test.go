//go:build kernel

package attach_test

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/bpf/rtnl"
)

func unlink(t *testing.T, _ *loaded) {
	if err := os.Remove("/none/such"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func execute(t *testing.T, _ *loaded) {
	var ended *exec.ExitError
	if err := exec.Command("/none/such").Run(); err == nil {
		t.Error("a program that is not there runs")
	}
	if err := exec.Command(probedFile(t)).Run(); err != nil && !errors.As(err, &ended) {
		t.Error(err)
	}
}

func openFile(t *testing.T, _ *loaded) {
	if _, err := os.ReadFile("/proc/self/comm"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("/proc/self/comm"); err != nil {
		t.Error(err)
	}
}

// datagram sends one over lo and receives it.
func datagram(t *testing.T, _ *loaded) {
	t.Helper()
	in, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := net.Dial("udp4", in.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := in.ReadFrom(make([]byte, 16)); err != nil {
		t.Error(err)
	}
}

// connection returns both ends of a TCP connection over lo.
func connection(t *testing.T, control func(fd int) error) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	if control != nil {
		withFD(t, c.(*net.TCPConn), control)
	}
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func withFD(t *testing.T, c *net.TCPConn, fn func(fd int) error) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil || inner != nil {
		t.Fatal(err, inner)
	}
}

// talk makes a connection and sends something over it.
func talk(t *testing.T, _ *loaded) {
	t.Helper()
	c, s := connection(t, func(fd int) error {
		_, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		return err
	})
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(make([]byte, 16)); err != nil {
		t.Error(err)
	}
}

// talkInMap does so with the client's socket in the sockmap for sk_msg, the
// server's for sk_skb.
func talkInMap(server bool) func(t *testing.T, l *loaded) {
	return func(t *testing.T, l *loaded) {
		c, s := connection(t, nil)
		in := c
		if server {
			in = s
		}
		withFD(t, in, func(fd int) error { return l.Maps["sockets"].Put(uint32(0), uint32(fd)) })
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Error(err)
		}
		if _, err := s.Read(make([]byte, 16)); err != nil {
			t.Error(err)
		}
	}
}

func readSysctl(t *testing.T, _ *loaded) {
	if _, err := os.ReadFile("/proc/sys/kernel/ostype"); err != nil {
		t.Error(err)
	}
}

func openDevice(t *testing.T, _ *loaded) {
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Error(err)
		return
	}
	f.Close()
}

// burn uses the processor until the program has run again.
func burn(t *testing.T, l *loaded) {
	before := l.number(t, "perf_event_hits")
	for l.number(t, "perf_event_hits") == before && t.Context().Err() == nil {
	}
}

// readLink reads an iterator.
func readLink(t *testing.T, l *loaded) {
	it, ok := l.links[0].(*link.Iter)
	if !ok {
		t.Fatalf("the link is a %T", l.links[0])
	}
	r, err := it.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Read(make([]byte, 16)); err != nil && err.Error() != "EOF" {
		t.Error(err)
	}
}

// flow sends a packet that the kernel has to dissect: of a raw packet socket with
// a header that says that its checksum is still to be made, with ETH_P_ALL.
func flow(t *testing.T, _ *loaded) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, 28)
	packet[0], packet[3], packet[8], packet[9] = 0x45, 28, 64, 17
	copy(packet[12:], []byte{127, 0, 0, 1, 127, 0, 0, 1})
	to := &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16([]byte{8, 0}), Ifindex: lo.Index, Halen: 6}
	if err := unix.Sendto(fd, packet, 0, to); err != nil {
		t.Error(err)
	}
}

// netkitPair makes two devices with addresses of IPv6, which talk by themselves.
func netkitPair(t *testing.T) {
	t.Helper()
	peer := append(make([]byte, unix.SizeofIfInfomsg), rtnl.Attr(unix.IFLA_IFNAME, rtnl.String("nk1"))...)
	data := rtnl.Attr(1 /* IFLA_NETKIT_PEER_INFO */, peer)
	info := append(rtnl.Attr(unix.IFLA_INFO_KIND, rtnl.String("netkit")), rtnl.Attr(unix.IFLA_INFO_DATA, data)...)
	body := append(make([]byte, unix.SizeofIfInfomsg), rtnl.Attr(unix.IFLA_IFNAME, rtnl.String("nk0"))...)
	body = append(body, rtnl.Attr(unix.IFLA_LINKINFO, info)...)
	if _, err := rtnl.Do(rtnl.Message{Type: unix.RTM_NEWLINK, Flags: unix.NLM_F_CREATE | unix.NLM_F_EXCL, Body: body}); err != nil {
		t.Fatal("make a pair of netkit devices:", err)
	}
	for _, name := range []string{"nk0", "nk1"} {
		up(t, name)
	}
}

// up sets an interface up.
func up(t *testing.T, name string) {
	t.Helper()
	iface, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], uint32(iface.Index))
	binary.NativeEndian.PutUint32(body[8:], unix.IFF_UP)
	binary.NativeEndian.PutUint32(body[12:], unix.IFF_UP)
	if _, err := rtnl.Do(rtnl.Message{Type: unix.RTM_NEWLINK, Body: body}); err != nil {
		t.Fatal(err)
	}
}

// sendOn sends a packet out of an interface.
func sendOn(name string) func(t *testing.T, _ *loaded) {
	return func(t *testing.T, _ *loaded) {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		iface, err := net.InterfaceByName(name)
		if err != nil {
			t.Fatal(err)
		}
		frame := make([]byte, 64)
		copy(frame[12:], []byte{0x08, 0x00, 0x45})
		to := &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16([]byte{8, 0}), Ifindex: iface.Index}
		if err := unix.Sendto(fd, frame, 0, to); err != nil && !errors.Is(err, unix.ENOBUFS) {
			t.Error(err)
		}
	}
}
