package attach

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

func xdp(j *job) (link.Link, error) {
	if j.target == "" {
		return nil, needs(j, "a network interface", "lo,generic")
	}
	if j.spec.AttachType == ebpf.AttachXDPDevMap || j.spec.AttachType == ebpf.AttachXDPCPUMap {
		return other(j)
	}
	iface, err := interfaceOf(j)
	if err != nil {
		return nil, err
	}
	modes := map[string]link.XDPAttachFlags{
		"": 0, "native": link.XDPDriverMode, "generic": link.XDPGenericMode, "offload": link.XDPOffloadMode,
	}
	flags, ok := modes[j.mode]
	if !ok {
		return nil, api.Errorf("attach", j.name, api.ErrUsage, fmt.Sprintf("no XDP mode %q", j.mode)).
			WithHint(shell.Join("ebpfdev", "load", "--attach", j.name+"="+j.target+",generic"))
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: j.prog, Interface: iface.Index, Flags: flags})
	if errors.Is(err, unix.EOPNOTSUPP) && flags&(link.XDPDriverMode|link.XDPOffloadMode) != 0 {
		return nil, api.Errorf("attach", j.name, api.ErrNotSupported, "the driver of "+j.target+" has no "+j.mode+" XDP").
			WithHint(shell.Join("ebpfdev", "load", "--attach", j.name+"="+j.target+",generic"))
	}
	return l, err
}

// tcx attaches to the ingress or egress of an interface, with a link (Linux
// 6.6). A section that names no direction means ingress.
func tcx(j *job) (link.Link, error) {
	if j.target == "" {
		return nil, needs(j, "a network interface", "lo")
	}
	direction := j.spec.AttachType
	switch {
	case j.mode == "egress":
		direction = ebpf.AttachTCXEgress
	case j.mode == "ingress", j.mode == "" && direction == ebpf.AttachNone:
		direction = ebpf.AttachTCXIngress
	case j.mode != "":
		return nil, api.Errorf("attach", j.name, api.ErrUsage, fmt.Sprintf("no direction %q", j.mode)).
			WithHint(shell.Join("ebpfdev", "load", "--attach", j.name+"="+j.target+",egress"))
	}
	if direction != ebpf.AttachTCXIngress && direction != ebpf.AttachTCXEgress {
		return other(j)
	}
	iface, err := interfaceOf(j)
	if err != nil {
		return nil, err
	}
	return link.AttachTCX(link.TCXOptions{Program: j.prog, Interface: iface.Index, Attach: direction})
}

func interfaceOf(j *job) (*net.Interface, error) {
	iface, err := net.InterfaceByName(j.target)
	if err != nil {
		return nil, api.Errorf("attach", j.name, api.ErrNotExist, "no network interface "+j.target+" here").
			WithHint("ip -brief link")
	}
	return iface, nil
}

func cgroup(j *job) (link.Link, error) {
	if j.target == "" || !strings.HasPrefix(j.target, "/") {
		return nil, needs(j, "the folder of a cgroup (version 2)", "/sys/fs/cgroup")
	}
	if _, err := os.Stat(j.target); err != nil {
		return nil, api.E("attach", j.name, api.ErrNotExist, err)
	}
	return link.AttachCgroup(link.CgroupOptions{Path: j.target, Attach: j.spec.AttachType, Program: j.prog})
}
