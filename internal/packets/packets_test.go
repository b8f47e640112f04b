package packets_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/ebpfdev/ebpfdev/internal/packets"
)

func capture(t testing.TB, ng bool, link layers.LinkType, list ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var write func(gopacket.CaptureInfo, []byte) error
	if ng {
		w, err := pcapgo.NewNgWriter(&b, link)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Flush()
		write = func(ci gopacket.CaptureInfo, data []byte) error {
			return errors.Join(w.WritePacket(ci, data), w.Flush())
		}
	} else {
		w := pcapgo.NewWriter(&b)
		if err := w.WriteFileHeader(65536, link); err != nil {
			t.Fatal(err)
		}
		write = w.WritePacket
	}
	for _, data := range list {
		if err := write(gopacket.CaptureInfo{Timestamp: time.Unix(1, 0), CaptureLength: len(data), Length: len(data)}, data); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestReader(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, 60), bytes.Repeat([]byte{2}, 1500)
	for _, ng := range []bool{false, true} {
		r, err := packets.NewReader(bytes.NewReader(capture(t, ng, layers.LinkTypeEthernet, one, two)))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range [][]byte{one, two} {
			if got, err := r.Next(); err != nil || !bytes.Equal(got, want) {
				t.Errorf("ng %v: a packet of %d bytes, %v; want %d", ng, len(got), err, len(want))
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("ng %v: after the last: %v", ng, err)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	for text, want := range map[string]string{"": "too short", "this is no capture, is it?": "no pcap file", "\x0a\x0d\x0d\x0a####": "no pcapng file"} {
		if _, err := packets.NewReader(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	r, err := packets.NewReader(bytes.NewReader(capture(t, false, layers.LinkTypeLinuxSLL, make([]byte, 60))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "not with Ethernet") {
		t.Errorf("a capture on any: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	for _, ng := range []bool{false, true} {
		f.Add(capture(f, ng, layers.LinkTypeEthernet, make([]byte, 60)))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		r, err := packets.NewReader(bytes.NewReader(data))
		for err == nil {
			_, err = r.Next()
		}
	})
}
