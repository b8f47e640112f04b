// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

//go:generate go tool bpf2go -target bpfel packets bpf/packets.bpf.c -- -Wall -Werror

// Traffic is what came from one address.
type Traffic struct {
	Source  netip.Addr `json:"source"`
	Packets uint64     `json:"packets"`
	Bytes   uint64     `json:"bytes"`
}

// Counter counts packets by their source address.
type Counter struct {
	objects packetsObjects
	links   []link.Link
}

// NewCounter loads the BPF program. Needs root and Linux 5.9.
func NewCounter() (*Counter, error) {
	// Only kernels before 5.11 count BPF memory against this limit.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("memory limit: %w", err)
	}
	c := &Counter{}
	if err := loadPacketsObjects(&c.objects, nil); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return c, nil
}

// modes are the ways to attach: in the driver or, slower but for every
// interface, in the network stack. By default the kernel takes the best.
var modes = map[string]link.XDPAttachFlags{
	"auto":    0,
	"native":  link.XDPDriverMode,
	"generic": link.XDPGenericMode,
}

// Attach counts what arrives at an interface from now on.
func (c *Counter) Attach(name, mode string) error {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	flags, ok := modes[mode]
	if !ok {
		return fmt.Errorf("mode %q: want auto, native or generic", mode)
	}
	l, err := link.AttachXDP(link.XDPOptions{
		Program:   c.objects.CountPackets,
		Interface: iface.Index,
		Flags:     flags,
	})
	if err != nil {
		return fmt.Errorf("attach to %s: %w", name, err)
	}
	c.links = append(c.links, l)
	return nil
}

// Top returns the n sources that sent most packets, most first.
func (c *Counter) Top(n int) ([]Traffic, error) {
	var (
		list  []Traffic
		key   packetsSource
		value packetsTraffic
	)
	entries := c.objects.Sources.Iterate()
	for entries.Next(&key, &value) {
		list = append(list, Traffic{
			Source:  netip.AddrFrom16(key.Addr).Unmap(),
			Packets: value.Packets,
			Bytes:   value.Bytes,
		})
	}
	// A map that changes all the time may cut an iteration short.
	if err := entries.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return nil, fmt.Errorf("map sources: %w", err)
	}
	slices.SortFunc(list, func(a, b Traffic) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), a.Source.Compare(b.Source))
	})
	return list[:min(n, len(list))], nil
}

// Close detaches and unloads the program.
func (c *Counter) Close() error {
	var errs []error
	for _, l := range c.links {
		errs = append(errs, l.Close())
	}
	return errors.Join(append(errs, c.objects.Close())...)
}
