package rtnl

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Message is a netlink message: the fixed part of its kind and its attributes.
type Message struct {
	Type  uint16
	Flags uint16 // beside NLM_F_REQUEST, which is always set
	Body  []byte // the fixed part and attributes, padded
}

// Attr returns an attribute: its header, the data and the padding to 4 bytes.
func Attr(kind uint16, data []byte) []byte {
	b := make([]byte, (unix.SizeofNlAttr+len(data)+3)&^3)
	binary.NativeEndian.PutUint16(b, uint16(unix.SizeofNlAttr+len(data)))
	binary.NativeEndian.PutUint16(b[2:], kind)
	copy(b[unix.SizeofNlAttr:], data)
	return b
}

// String returns the data of a text attribute, which ends with a zero.
func String(s string) []byte { return append([]byte(s), 0) }

// Uint32 returns the data of a number.
func Uint32(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// Do sends a request to NETLINK_ROUTE in the network namespace of the calling
// thread and returns what came back before the acknowledgement, or before the end
// of a dump. An errno of the kernel is in the error's tree.
func Do(m Message) ([]Message, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	dump := m.Flags&unix.NLM_F_DUMP == unix.NLM_F_DUMP
	if !dump {
		m.Flags |= unix.NLM_F_ACK
	}
	if err := unix.Sendto(fd, encode(m), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("send netlink: %w", err)
	}
	var answers []Message
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("receive netlink: %w", err)
		}
		more, done, err := parse(buf[:n])
		answers = append(answers, more...)
		if done || err != nil {
			return answers, err
		}
	}
}

func encode(m Message) []byte {
	b := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(m.Body))
	binary.NativeEndian.PutUint32(b, uint32(cap(b)))
	binary.NativeEndian.PutUint16(b[4:], m.Type)
	binary.NativeEndian.PutUint16(b[6:], m.Flags|unix.NLM_F_REQUEST)
	return append(b, m.Body...)
}

// parse splits what was received; done after the message that ends the answer.
func parse(b []byte) (list []Message, done bool, _ error) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return list, true, errors.New("receive netlink: a message is cut off")
		}
		m := Message{
			Type: binary.NativeEndian.Uint16(b[4:]), Flags: binary.NativeEndian.Uint16(b[6:]),
			Body: append([]byte(nil), b[unix.SizeofNlMsghdr:size]...),
		}
		switch m.Type {
		case unix.NLMSG_DONE:
			return list, true, nil
		case unix.NLMSG_ERROR:
			return list, true, errorOf(m)
		default:
			list = append(list, m)
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return list, false, nil
}

// errorOf reads an acknowledgement, which is an error of number 0.
func errorOf(m Message) error {
	if len(m.Body) < 4 {
		return errors.New("receive netlink: an error without a number")
	}
	if errno := -int32(binary.NativeEndian.Uint32(m.Body)); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

// Find returns the data of the first attribute of a kind; nil when there is none.
func Find(attrs []byte, kind uint16) []byte {
	const flags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER
	for len(attrs) >= unix.SizeofNlAttr {
		size := int(binary.NativeEndian.Uint16(attrs))
		if size < unix.SizeofNlAttr || size > len(attrs) {
			return nil
		}
		if binary.NativeEndian.Uint16(attrs[2:])&^flags == kind {
			return attrs[unix.SizeofNlAttr:size]
		}
		attrs = attrs[min(len(attrs), (size+3)&^3):]
	}
	return nil
}
