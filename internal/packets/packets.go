// Package packets reads captures of network traffic, as tcpdump and Wireshark
// write them: pcap and pcapng.
package packets

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// maxPacket bounds one packet; captures cut them at 256 KiB at most.
const maxPacket = 256 << 10

// Reader reads a capture packet by packet.
type Reader struct {
	source interface {
		ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
	}
	link func() layers.LinkType // of the packets; an error's text names it
}

// NewReader reads the head of a capture. An error says what it is instead.
func NewReader(r io.Reader) (*Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(4)
	if err != nil {
		return nil, errors.New("it is too short for a capture")
	}
	const ng = 0x0a0d0d0a // the same in both byte orders
	if binary.BigEndian.Uint32(head) == ng {
		source, err := pcapgo.NewNgReader(b, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			return nil, fmt.Errorf("no pcapng file: %w", err)
		}
		return &Reader{source, source.LinkType}, nil
	}
	source, err := pcapgo.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("no pcap file: %w", err)
	}
	return &Reader{source, source.LinkType}, nil
}

// Next returns the next packet, from its Ethernet header on; io.EOF after the last.
func (r *Reader) Next() (data []byte, err error) {
	defer func() {
		if broken := recover(); broken != nil { // the library's bug, and the file's fault
			data, err = nil, fmt.Errorf("the capture cannot be read: %v", broken)
		}
	}()
	data, _, err = r.source.ReadPacketData()
	if err != nil {
		return nil, err
	}
	if link := r.link(); link != layers.LinkTypeEthernet {
		return nil, fmt.Errorf("its packets begin with %s, not with Ethernet: capture on an interface, not on \"any\"", link)
	}
	if len(data) > maxPacket {
		return nil, fmt.Errorf("a packet of %d bytes", len(data))
	}
	return data, nil
}
