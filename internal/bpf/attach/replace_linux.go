package attach

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/bpf/rtnl"
)

// Old is a link of the load that is being replaced.
type Old struct {
	Link    Link
	Program *ebpf.Program // what it runs, to go back to; nil when that is not known
	Map     *ebpf.Map     // of a struct_ops link instead
	InPlace bool          // it runs the new program now
	Gone    bool          // it was removed, to make room for the new one
}

// Restore lets the link run its old program again.
func (o *Old) Restore() error {
	switch {
	case o.InPlace && o.Map != nil:
		o.InPlace = false
		return updateStructOps(o.Link, o.Map)
	case o.InPlace && o.Program != nil:
		o.InPlace = false
		return o.Link.Update(o.Program)
	default:
		return nil
	}
}

// Remove ends the attachment also where it is pinned (Linux 5.9).
func (o *Old) Remove() error {
	if l, ok := o.Link.(interface{ Detach() error }); ok {
		if err := l.Detach(); err != nil {
			return err
		}
	} else if err := o.Link.Close(); err != nil {
		return err
	}
	o.Gone = true
	return nil
}

// Replace lets Attach update the links of another load in place, by the program's
// name, where it is attached to the same: no packet meets a gap then.
func (a *Attacher) Replace(old map[string][]*Old) { a.old = old }

// inPlace updates an old link of the program to the new one, when it has one that
// is the same; nil when not.
func (j *job) inPlace(t link.Type, same func(*link.Info) bool) link.Link {
	for _, o := range j.old[j.name] {
		l, ok := o.Link.(link.Link)
		if !ok || o.InPlace || o.Gone {
			continue
		}
		if info, err := l.Info(); err != nil || info.Type != t || !same(info) {
			continue
		}
		if l.Update(j.prog) == nil {
			o.InPlace = true
			return l
		}
	}
	return nil
}

// inPlaceOf does so for attachments without a link, by where they are.
func (j *job) inPlaceOf(where string) Link {
	for _, o := range j.old[j.name] {
		l, ok := o.Link.(*linkless)
		if ok && l.where == where && !o.InPlace && !o.Gone && l.Update(j.prog) == nil {
			o.InPlace = true
			return l
		}
	}
	return nil
}

// From linux/if_link.h.
const (
	iflaXDP         = 43
	iflaXDPAttached = 2
)

// xdpModes are the values of IFLA_XDP_ATTACHED. A link does not tell its mode.
func xdpModes() map[string]byte { return map[string]byte{"native": 1, "generic": 2, "offload": 3} }

// xdpMode returns how XDP is attached to an interface now; 0 for not at all or not
// to be told.
func xdpMode(index int) byte {
	body := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], uint32(index))
	answers, err := rtnl.Do(rtnl.Message{Type: unix.RTM_GETLINK, Body: body})
	if err != nil || len(answers) == 0 || len(answers[0].Body) < unix.SizeofIfInfomsg {
		return 0
	}
	xdp := rtnl.Find(answers[0].Body[unix.SizeofIfInfomsg:], iflaXDP)
	if mode := rtnl.Find(xdp, iflaXDPAttached); len(mode) > 0 {
		return mode[0]
	}
	return 0
}
