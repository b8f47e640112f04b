package bzimage

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/therootcompany/xz"
)

// maxVmlinux is how many bytes an unpacked kernel may have: some 70 MB are usual.
const maxVmlinux = 256 << 20

// maxWindow is how far back a compressor may refer, in bytes. The kernel's build
// uses zstd -22, whose window is 128 MiB, and xz with 32 MiB.
const maxWindow = 128 << 20

// Offsets in the setup header, of Documentation/arch/x86/boot.rst.
const (
	offSetupSects    = 0x1f1
	offMagic         = 0x202
	offVersion       = 0x206
	offPayloadOffset = 0x248
	offPayloadLength = 0x24c
	headerEnd        = 0x250
)

// payloadVersion is the first boot protocol whose header says where the payload is: Linux 2.6.26.
const payloadVersion = 0x0208

// Vmlinux returns the kernel as ELF. An image that is ELF already is returned as it is.
func Vmlinux(image []byte) ([]byte, error) {
	if isELF(image) {
		return image, nil
	}
	p, err := payload(image)
	if err != nil {
		return nil, err
	}
	vmlinux, err := unpack(p)
	if err != nil {
		return nil, err
	}
	if !isELF(vmlinux) {
		return nil, errors.New("what the image unpacks is no ELF file for x86-64")
	}
	return vmlinux, nil
}

// isELF reports whether data begins as a 64-bit little-endian ELF file for x86-64.
func isELF(data []byte) bool {
	return len(data) >= 64 && bytes.HasPrefix(data, []byte("\x7fELF\x02\x01")) && binary.LittleEndian.Uint16(data[18:]) == 62
}

// payload returns the compressed kernel in an image.
func payload(image []byte) ([]byte, error) {
	if len(image) < headerEnd || string(image[offMagic:offMagic+4]) != "HdrS" {
		return nil, errors.New("neither a bzImage nor an ELF file for x86-64")
	}
	if v := binary.LittleEndian.Uint16(image[offVersion:]); v < payloadVersion {
		return nil, fmt.Errorf("boot protocol %d.%02d does not say where the kernel is", v>>8, v&0xff)
	}
	sects := uint64(image[offSetupSects])
	if sects == 0 {
		sects = 4 // the value 0 means 4, for the sake of very old loaders
	}
	begin := (sects+1)*512 + uint64(binary.LittleEndian.Uint32(image[offPayloadOffset:]))
	end := begin + uint64(binary.LittleEndian.Uint32(image[offPayloadLength:]))
	if end > uint64(len(image)) || end-begin < 8 {
		return nil, fmt.Errorf("the image says that its kernel is at bytes %d to %d; it has %d", begin, end, len(image))
	}
	return image[begin:end], nil
}

// unpack decompresses a payload. Its last four bytes are the size: the kernel's
// build appends them to every format that does not end with it, as gzip does.
func unpack(p []byte) ([]byte, error) {
	name, open := decompressor(p)
	if open == nil {
		return nil, fmt.Errorf("the kernel is compressed in a way that is not known: % x", p[:6])
	}
	size := int64(binary.LittleEndian.Uint32(p[len(p)-4:]))
	if size > maxVmlinux {
		return nil, fmt.Errorf("the image says that its kernel has %d bytes; %d are the limit", size, maxVmlinux)
	}
	if name != "gzip" {
		p = p[:len(p)-4]
	}
	r, err := open(p)
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	defer r.Close()
	var b bytes.Buffer
	b.Grow(int(min(size, 16*int64(len(p))))) // a lie about the size costs no memory
	n, err := io.Copy(&b, io.LimitReader(r, size+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	case n != size:
		return nil, fmt.Errorf("unpack %s: the image says that its kernel has %d bytes, and that is not so", name, size)
	}
	return b.Bytes(), nil
}

// decompressor returns the format that data begins with, and its reader.
func decompressor(data []byte) (string, func([]byte) (io.ReadCloser, error)) {
	switch {
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return "gzip", func(p []byte) (io.ReadCloser, error) { return gzip.NewReader(bytes.NewReader(p)) }
	case bytes.HasPrefix(data, []byte("\xfd7zXZ\x00")):
		return "xz", openXZ
	case bytes.HasPrefix(data, []byte("\x28\xb5\x2f\xfd")):
		return "zstd", openZstd
	case bytes.HasPrefix(data, []byte("\x02\x21\x4c\x18")):
		return "lz4", func(p []byte) (io.ReadCloser, error) { return io.NopCloser(lz4.NewReader(bytes.NewReader(p))), nil }
	default:
		return "", nil
	}
}

// openXZ reads xz with the filter for x86 instructions, which the kernel's build adds.
func openXZ(p []byte) (io.ReadCloser, error) {
	r, err := xz.NewReader(bytes.NewReader(p), maxWindow)
	return io.NopCloser(r), err
}

func openZstd(p []byte) (io.ReadCloser, error) {
	d, err := zstd.NewReader(bytes.NewReader(p), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}
