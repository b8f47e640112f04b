package output

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// JSON writes v as one indented document. A nil slice should not be passed: an
// empty list reads [].
func JSON(w io.Writer, v any) error {
	return encode(w, v, "  ")
}

// JSONLine writes v as one line.
func JSONLine(w io.Writer, v any) error {
	return encode(w, v, "")
}

func encode(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err := w.Write(escapeInvisible(b.Bytes()))
	return err
}

// escapeInvisible writes the characters that encoding/json leaves as they are
// and that can change what a terminal shows (DEL, C1 controls, those that
// reorder or hide text) as \u escapes: the same JSON strings. Outside strings
// JSON has none of them.
func escapeInvisible(p []byte) []byte {
	if !bytes.ContainsFunc(p, invisible) {
		return p
	}
	out := make([]byte, 0, len(p)+32)
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		switch {
		case !invisible(r):
			out = append(out, p[:size]...)
		case r > 0xffff:
			hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		p = p[size:]
	}
	return out
}

// JSONText writes JSON that was encoded elsewhere, with the same care.
func JSONText(w io.Writer, p []byte) error {
	if !ascii(p) {
		p = escapeInvisible(p)
	}
	_, err := w.Write(p)
	return err
}

// ascii reports whether all bytes are below DEL, eight at a time: a dump is long.
func ascii(p []byte) bool {
	const high, ones = 0x8080808080808080, 0x0101010101010101
	for ; len(p) >= 8; p = p[8:] {
		w := binary.LittleEndian.Uint64(p)
		if (w|(w+ones))&high != 0 {
			return false
		}
	}
	for _, c := range p {
		if c >= 0x7f {
			return false
		}
	}
	return true
}

func invisible(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
}

// CSV writes records for spreadsheets and scripts.
type CSV struct{ w *csv.Writer }

// NewCSV begins a CSV document with its header.
func NewCSV(w io.Writer, header ...string) (*CSV, error) {
	c := &CSV{csv.NewWriter(w)}
	return c, c.Write(header...)
}

// Write writes one record.
func (c *CSV) Write(fields ...string) error {
	escaped := make([]string, len(fields))
	for i, f := range fields {
		escaped[i] = safe.Line(f).String()
	}
	return c.w.Write(escaped)
}

// Flush writes what is still buffered.
func (c *CSV) Flush() error {
	c.w.Flush()
	return c.w.Error()
}
