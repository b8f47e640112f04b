package docker

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// publish adds one published port or range, written [[ADDRESS:]HOST:]PORT[/PROTOCOL].
// Without a host port the engine chooses one.
func publish(text string, cfg *container.Config, host *container.HostConfig) error {
	usage := func(cause string) error { return api.Errorf("read port", text, api.ErrUsage, cause) }
	addrText, hostText, inside := splitPort(text)
	ports, err := network.ParsePortRange(inside)
	if err != nil {
		return usage("not [[ADDRESS:]HOST:]PORT[/PROTOCOL]")
	}
	var addr netip.Addr
	if addrText != "" {
		if addr, err = netip.ParseAddr(strings.Trim(addrText, "[]")); err != nil {
			return usage("not an address: " + addrText)
		}
	}
	var outside network.PortRange
	if hostText != "" {
		if outside, err = network.ParsePortRange(hostText); err != nil || strings.Contains(hostText, "/") {
			return usage("not a port: " + hostText)
		}
		if outside.End()-outside.Start() != ports.End()-ports.Start() {
			return usage("the two ranges differ in length")
		}
	}
	if cfg.ExposedPorts == nil {
		cfg.ExposedPorts, host.PortBindings = network.PortSet{}, network.PortMap{}
	}
	for port := range ports.All() {
		binding := network.PortBinding{HostIP: addr}
		if hostText != "" {
			binding.HostPort = strconv.Itoa(int(outside.Start()) + int(port.Num()-ports.Start()))
		}
		cfg.ExposedPorts[port] = struct{}{}
		host.PortBindings[port] = append(host.PortBindings[port], binding)
	}
	return nil
}

// splitPort cuts from the right, because an IPv6 address has colons of its own.
func splitPort(text string) (addr, host, inside string) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", "", text
	}
	rest, inside := text[:i], text[i+1:]
	if i = strings.LastIndexByte(rest, ':'); i < 0 {
		return "", rest, inside
	}
	return rest[:i], rest[i+1:], inside
}
