package clsact

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/bpf/rtnl"
)

// From linux/pkt_sched.h and linux/pkt_cls.h.
const (
	handleClsact  = 0xFFFF0000
	parentClsact  = 0xFFFFFFF1
	parentIngress = 0xFFFFFFF2
	parentEgress  = 0xFFFFFFF3

	optionFD    = 6 // TCA_BPF_FD
	optionName  = 7 // TCA_BPF_NAME
	optionFlags = 8 // TCA_BPF_FLAGS
	flagDirect  = 1 // TCA_BPF_FLAG_ACT_DIRECT: the program's result is the verdict

	sizeofTcmsg = 20
)

// Qdisc is the qdisc clsact of an interface, which its filters are on.
type Qdisc struct {
	index   int
	made    bool // it was not there before
	filters int  // of ours
}

// Filter is a program that is attached.
type Filter struct {
	qdisc  *Qdisc
	name   string
	parent uint32
	handle uint32
	info   uint32 // priority and protocol
}

// Add makes sure that an interface has the qdisc. An errno of the kernel is in the
// error's tree: ENOENT and EOPNOTSUPP when it lacks sch_ingress.
func Add(index int) (*Qdisc, error) {
	_, err := rtnl.Do(rtnl.Message{
		Type: unix.RTM_NEWQDISC, Flags: unix.NLM_F_CREATE | unix.NLM_F_EXCL,
		Body: append(tcmsg(index, handleClsact, parentClsact, 0), rtnl.Attr(unix.TCA_KIND, rtnl.String("clsact"))...),
	})
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("add the qdisc clsact: %w", err)
	}
	return &Qdisc{index: index, made: err == nil}, nil
}

// Attach adds a program to the ingress or the egress, after the filters that are
// there. ENOENT is in the error's tree when the kernel lacks cls_bpf.
func (q *Qdisc) Attach(prog *ebpf.Program, name string, egress bool) (*Filter, error) {
	f := &Filter{qdisc: q, name: name, parent: parentIngress}
	if egress {
		f.parent = parentEgress
	}
	if err := f.set(prog, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ECHO); err != nil {
		q.drop()
		return nil, fmt.Errorf("add a filter: %w", err)
	}
	q.filters++
	return f, nil
}

// set makes or replaces the filter and learns the handle and the priority that
// the kernel chose.
func (f *Filter) set(prog *ebpf.Program, flags uint16) error {
	info := f.info
	if info == 0 {
		info = uint32(bigEndian(unix.ETH_P_ALL))
	}
	options := append(rtnl.Attr(optionFD, rtnl.Uint32(uint32(prog.FD()))), rtnl.Attr(optionName, rtnl.String(f.name))...)
	options = append(options, rtnl.Attr(optionFlags, rtnl.Uint32(flagDirect))...)
	body := append(tcmsg(f.qdisc.index, f.handle, f.parent, info), rtnl.Attr(unix.TCA_KIND, rtnl.String("bpf"))...)
	answers, err := rtnl.Do(rtnl.Message{
		Type: unix.RTM_NEWTFILTER, Flags: flags, Body: append(body, rtnl.Attr(unix.TCA_OPTIONS, options)...),
	})
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.Type == unix.RTM_NEWTFILTER && len(a.Body) >= sizeofTcmsg && f.info == 0 {
			f.handle = binary.NativeEndian.Uint32(a.Body[8:])
			f.info = binary.NativeEndian.Uint32(a.Body[16:])
		}
	}
	if f.info == 0 {
		return errors.New("the kernel did not tell the filter's handle")
	}
	return nil
}

// Update puts another program in the place of the one that is attached; no packet
// passes in between.
func (f *Filter) Update(prog *ebpf.Program) error {
	if err := f.set(prog, unix.NLM_F_REPLACE); err != nil {
		return fmt.Errorf("replace the filter: %w", err)
	}
	return nil
}

// Close removes the filter, and the qdisc when that was made for it and holds no
// other filter.
func (f *Filter) Close() error {
	_, err := rtnl.Do(rtnl.Message{Type: unix.RTM_DELTFILTER, Body: append(
		tcmsg(f.qdisc.index, f.handle, f.parent, f.info), rtnl.Attr(unix.TCA_KIND, rtnl.String("bpf"))...)})
	f.qdisc.filters--
	f.qdisc.drop()
	switch {
	case err == nil, errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOENT), errors.Is(err, unix.EINVAL):
		return nil // it is gone, or the interface or the qdisc is
	default:
		return fmt.Errorf("delete the filter: %w", err)
	}
}

// drop removes the qdisc if nobody else can miss it.
func (q *Qdisc) drop() {
	if !q.made || q.filters > 0 || q.used(parentIngress) || q.used(parentEgress) {
		return
	}
	_, _ = rtnl.Do(rtnl.Message{Type: unix.RTM_DELQDISC, Body: append(
		tcmsg(q.index, handleClsact, parentClsact, 0), rtnl.Attr(unix.TCA_KIND, rtnl.String("clsact"))...)})
}

// used reports whether a hook has filters, and true when that cannot be told.
func (q *Qdisc) used(parent uint32) bool {
	list, err := rtnl.Do(rtnl.Message{Type: unix.RTM_GETTFILTER, Flags: unix.NLM_F_DUMP, Body: tcmsg(q.index, 0, parent, 0)})
	return err != nil || len(list) > 0
}

// tcmsg returns struct tcmsg.
func tcmsg(index int, handle, parent, info uint32) []byte {
	b := make([]byte, 4, sizeofTcmsg)
	b = binary.NativeEndian.AppendUint32(b, uint32(int32(index)))
	b = binary.NativeEndian.AppendUint32(b, handle)
	b = binary.NativeEndian.AppendUint32(b, parent)
	return binary.NativeEndian.AppendUint32(b, info)
}

// bigEndian returns a number as it is in memory in the network's order.
func bigEndian(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}
