package rtnl

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	ack := Message{Type: unix.NLMSG_ERROR, Body: make([]byte, 20)}
	list, done, err := parse(append(encode(Message{Type: unix.RTM_NEWLINK, Body: Attr(3, String("lo"))}), encode(ack)...))
	if len(list) != 1 || !done || err != nil || len(list[0].Body) != 8 {
		t.Errorf("%+v, done %v, %v", list, done, err)
	}
	refused := encode(Message{Type: unix.NLMSG_ERROR, Body: Uint32(uint32(0xFFFFFFFF &^ 0))})
	if _, _, err := parse(refused); !errors.Is(err, unix.EPERM) {
		t.Errorf("-1 is %v", err)
	}
	if _, _, err := parse([]byte{99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err == nil {
		t.Error("a message that is cut off is taken")
	}
}

// The loopback interface of any namespace can be asked for.
func TestDo(t *testing.T) {
	body := make([]byte, unix.SizeofIfInfomsg)
	list, err := Do(Message{Type: unix.RTM_GETLINK, Flags: unix.NLM_F_DUMP, Body: body})
	if err != nil || len(list) == 0 {
		t.Errorf("%d interfaces, %v", len(list), err)
	}
	if _, err := Do(Message{Type: unix.RTM_GETLINK, Body: append(body, Attr(unix.IFLA_IFNAME, String("none0"))...)}); !errors.Is(err, unix.ENODEV) {
		t.Errorf("an interface that is not there: %v", err)
	}
}
