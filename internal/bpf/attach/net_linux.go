package attach

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach/clsact"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

func xdp(j *job) (link.Link, error) {
	if j.spec.AttachType == ebpf.AttachXDPDevMap || j.spec.AttachType == ebpf.AttachXDPCPUMap {
		return nil, &skip{reason: elsewhere(j.spec)}
	}
	iface, err := interfaceOf(j, "lo,generic")
	if err != nil {
		return nil, err
	}
	modes := map[string]link.XDPAttachFlags{
		"": 0, "native": link.XDPDriverMode, "generic": link.XDPGenericMode, "offload": link.XDPOffloadMode,
	}
	flags, ok := modes[j.mode]
	if !ok {
		return nil, j.usage(fmt.Sprintf("no XDP mode %q", j.mode), j.target+",generic")
	}
	at := func(i *link.Info) bool {
		return i.XDP() != nil && int(i.XDP().Ifindex) == iface.Index && (flags == 0 || xdpModes()[j.mode] == xdpMode(iface.Index))
	}
	if l := j.inPlace(link.XDPType, at); l != nil {
		return l, nil
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: j.prog, Interface: iface.Index, Flags: flags})
	if errors.Is(err, unix.EOPNOTSUPP) && flags&(link.XDPDriverMode|link.XDPOffloadMode) != 0 {
		return nil, j.missing(api.ErrNotSupported, "the driver of "+j.target+" has no "+j.mode+" XDP",
			shell.Join("ebpfdev", "load", "--attach", j.name+"="+j.target+",generic"))
	}
	return l, err
}

// tc attaches to the ingress or egress of an interface: with a link (Linux 6.6)
// or, before that and when it is asked for, as a filter of the qdisc clsact. A
// section that names no direction means ingress.
func tc(j *job) ([]Link, error) {
	direction := j.spec.AttachType
	if direction == ebpf.AttachNetkitPrimary || direction == ebpf.AttachNetkitPeer {
		return single(netkit)(j)
	}
	iface, err := interfaceOf(j, "lo")
	if err != nil {
		return nil, err
	}
	classic := false
	for word := range strings.SplitSeq(j.mode, ",") {
		switch word {
		case "":
		case "egress":
			direction = ebpf.AttachTCXEgress
		case "ingress":
			direction = ebpf.AttachTCXIngress
		case "clsact":
			classic = true
		default:
			return nil, j.usage(fmt.Sprintf("no direction %q", word), j.target+",egress")
		}
	}
	if direction == ebpf.AttachNone {
		direction = ebpf.AttachTCXIngress
	}
	if !classic {
		at := func(i *link.Info) bool {
			return i.TCX() != nil && int(i.TCX().Ifindex) == iface.Index && uint32(i.TCX().AttachType) == uint32(direction)
		}
		if l := j.inPlace(link.TCXType, at); l != nil {
			return []Link{l}, nil
		}
		l, err := link.AttachTCX(link.TCXOptions{Program: j.prog, Interface: iface.Index, Attach: direction})
		if err == nil {
			return []Link{l}, nil
		}
		if !errors.Is(err, link.ErrNotSupported) {
			return nil, err
		}
	}
	return filter(j, iface, direction == ebpf.AttachTCXEgress)
}

// filter attaches by clsact, which is no link.
func filter(j *job, iface *net.Interface, egress bool) ([]Link, error) {
	where := fmt.Sprintf("tc %d egress %v", iface.Index, egress)
	if l := j.inPlaceOf(where); l != nil {
		return []Link{l}, nil
	}
	f, err := j.qdisc(iface.Index, egress)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, j.missing(api.ErrNotSupported,
			"this kernel has no tcx (Linux 6.6) and, for tc, no sch_ingress or cls_bpf ("+err.Error()+")", "modprobe -a sch_ingress cls_bpf")
	}
	if err != nil {
		return nil, err
	}
	return []Link{&linkless{
		why: "a filter of tc is no link, and nothing to pin, before Linux 6.6", where: where, update: f.Update, close: f.Close,
	}}, nil
}

// qdisc attaches to the qdisc of an interface, which all filters of the object share.
func (j *job) qdisc(index int, egress bool) (*clsact.Filter, error) {
	q := j.qdiscs[index]
	if q == nil {
		var err error
		if q, err = clsact.Add(index); err != nil {
			return nil, err
		}
		j.qdiscs[index] = q
	}
	return q.Attach(j.prog, j.name, egress)
}

// netkit attaches to one end of a pair of netkit devices (Linux 6.7). The
// interface that is named is always the primary one.
func netkit(j *job) (link.Link, error) {
	iface, err := interfaceOf(j, "nk0")
	if err != nil {
		return nil, err
	}
	at := func(i *link.Info) bool {
		return i.Netkit() != nil && int(i.Netkit().Ifindex) == iface.Index && uint32(i.Netkit().AttachType) == uint32(j.spec.AttachType)
	}
	if l := j.inPlace(link.NetkitType, at); l != nil {
		return l, nil
	}
	l, err := link.AttachNetkit(link.NetkitOptions{Program: j.prog, Interface: iface.Index, Attach: j.spec.AttachType})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EACCES) {
		return nil, j.missing(api.ErrUsage, j.target+" is not the primary interface of a netkit pair", "ip -details link show type netkit")
	}
	return l, err
}

func interfaceOf(j *job, example string) (*net.Interface, error) {
	if j.target == "" {
		return nil, needs(j, "a network interface", example)
	}
	iface, err := net.InterfaceByName(j.target)
	if err != nil {
		return nil, j.missing(api.ErrNotExist, "no network interface "+j.target+" here", "ip -brief link")
	}
	return iface, nil
}

// netfilter attaches to a hook of netfilter (Linux 6.4): [ip|ip6:]HOOK.
func netfilter(j *job) (link.Link, error) {
	family, hook, ok := strings.Cut(j.target, ":")
	if !ok {
		family, hook = "ip", j.target
	}
	families := map[string]link.NetfilterProtocolFamily{"ip": link.NetfilterProtoIPv4, "ip6": link.NetfilterProtoIPv6}
	hooks := map[string]link.NetfilterInetHook{
		"prerouting": link.NetfilterInetPreRouting, "input": link.NetfilterInetLocalIn, "forward": link.NetfilterInetForward,
		"output": link.NetfilterInetLocalOut, "postrouting": link.NetfilterInetPostRouting,
	}
	pf, known := families[family]
	number, there := hooks[hook]
	if !known || !there {
		return nil, needs(j, "a hook: ip:input, ip6:output, prerouting, forward, postrouting", "ip:input,priority=10")
	}
	words, err := j.words("priority", "defrag")
	if err != nil {
		return nil, err
	}
	priority, err := j.number(words, "priority")
	if err != nil {
		return nil, err
	}
	opts := link.NetfilterOptions{Program: j.prog, ProtocolFamily: pf, Hook: number, Priority: int32(priority)}
	if _, ok := words["defrag"]; ok {
		opts.NetfilterFlags = 1 << link.NetfilterIPDefrag
	}
	return link.AttachNetfilter(opts)
}
