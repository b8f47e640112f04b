package maps

import (
	"bytes"
	"encoding/json"

	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// renderer writes entries as encoding/json would write an api.Entry, without making
// one: that is what a dump of a million entries takes its time for.
type renderer struct {
	*view
	columns    []column
	commas     bool // elements of an array
	some       bool
	keys       *btfview.Printer
	values     *btfview.Printer
	sums       *btfview.Printer
	buf        []byte
	names      []byte // before each column
	namesUntil []int
}

func (v *view) renderer(columns []column, commas bool) *renderer {
	r := &renderer{
		view: v, columns: columns, commas: commas,
		keys: btfview.NewPrinter(v.key, v.keySize), values: btfview.NewPrinter(v.value, v.valueSize),
	}
	if v.total != nil {
		sum := v.total.Of(v.each(make([]byte, v.full())))
		r.sums = btfview.NewPrinter(v.total.Type(), len(sum))
	}
	for i, c := range columns {
		r.names = append(r.names, "{,"[min(i, 1)])
		r.names = append(appendString(r.names, []byte(c.name)), ':')
		r.namesUntil = append(r.namesUntil, len(r.names))
	}
	return r
}

// append appends a line, or an element of an array.
func (r *renderer) append(dst, key, value []byte) []byte {
	if r.commas && r.some {
		dst = append(dst, ",\n"...)
	}
	r.some = true
	if len(r.columns) > 0 {
		dst = r.cells(dst, key, value)
	} else {
		dst = r.entry(dst, key, value)
	}
	if !r.commas {
		dst = append(dst, '\n')
	}
	return dst
}

// cells appends an object of the columns.
func (r *renderer) cells(dst, key, value []byte) []byte {
	from := 0
	for i := range r.columns {
		dst = append(dst, r.names[from:r.namesUntil[i]]...)
		from = r.namesUntil[i]
		dst = r.columns[i].append(dst, key, value, true)
	}
	return append(dst, '}')
}

func (r *renderer) entry(dst, key, value []byte) []byte {
	dst = append(dst, `{"key":`...)
	if name, ok := r.view.names[string(key)]; ok || len(key) == 0 {
		d := r.keyDatum(key)
		d.Text = name
		dst = append(dst, marshal(d)...)
	} else {
		dst = r.datum(dst, r.keys, key)
	}
	dst = append(dst, `,"value":`...)
	if !perCPU(r.typ) {
		return append(r.datum(dst, r.values, value), '}')
	}
	dst = r.datum(dst, r.values, r.cpu(value, 0))
	for i := range r.cpus {
		dst = append(dst, []string{`,"values":[`, ","}[min(i, 1)]...)
		dst = r.datum(dst, r.values, r.cpu(value, i))
	}
	dst = append(dst, ']')
	if r.sums != nil {
		dst = r.datum(append(dst, `,"sum":`...), r.sums, r.total.Of(r.each(value)))
	}
	return append(dst, '}')
}

// datum appends what an api.Datum is in JSON.
func (r *renderer) datum(dst []byte, p *btfview.Printer, raw []byte) []byte {
	dst = append(dst, `{"raw":"`...)
	dst = btfview.AppendHex(dst, raw)
	dst = append(dst, `","text":`...)
	if p.Same() {
		from := len(dst) + 1
		dst, _ = p.Append(append(dst, '"'), raw, false)
		digits := dst[from:]
		dst = append(dst, `","json":`...)
		return append(append(dst, digits...), '}')
	}
	var ok bool
	r.buf, _ = p.Append(r.buf[:0], raw, false)
	dst = appendString(dst, r.buf)
	undo := len(dst)
	if dst, ok = p.Append(append(dst, `,"json":`...), raw, true); !ok {
		dst = dst[:undo]
	}
	return append(dst, '}')
}

// appendString appends a JSON string.
func appendString(dst, text []byte) []byte {
	for _, c := range text {
		if c < ' ' || c >= 0x7f {
			return append(dst, marshal(string(text))...)
		}
	}
	dst = append(dst, '"')
	for len(text) > 0 {
		i := bytes.IndexAny(text, `"\\`)
		if i < 0 {
			return append(append(dst, text...), '"')
		}
		dst = append(append(dst, text[:i]...), '\\', text[i])
		text = text[i+1:]
	}
	return append(dst, '"')
}

// marshal is encoding/json's without the escapes for HTML.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
