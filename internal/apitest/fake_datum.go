package apitest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Datum makes a key or value of a C type: "__u32" and "__u64" take numbers,
// other types take JSON, "hex:" and bytes, or plain text.
func Datum(typ string, size uint32, text string) (api.Datum, error) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "hex:"):
		var raw api.Hex
		if err := raw.UnmarshalText([]byte(text[len("hex:"):])); err != nil {
			return api.Datum{}, api.E("encode", text, api.ErrInvalid, err)
		}
		if typ == "__u32" || typ == "__u64" {
			return numberOf(raw, size), nil
		}
		return api.Datum{Raw: raw, Text: raw.String()}, nil
	case typ == "__u32" || typ == "__u64":
		n, err := strconv.ParseUint(text, 0, int(size)*8)
		if err != nil {
			return api.Datum{}, api.Errorf("encode", text, api.ErrInvalid, "not a number of "+strconv.Itoa(int(size))+" bytes")
		}
		raw := binary.LittleEndian.AppendUint64(nil, n)
		return numberOf(raw[:size], size), nil
	case json.Valid([]byte(text)):
		var raw bytes.Buffer
		_ = json.Compact(&raw, []byte(text)) // it is valid
		return api.Datum{Raw: raw.Bytes(), Text: plain(raw.Bytes()), JSON: raw.Bytes()}, nil
	case text == "":
		return api.Datum{}, api.Errorf("encode", typ, api.ErrInvalid, "no value given")
	default:
		return api.Datum{Raw: []byte(text), Text: text}, nil
	}
}

func numberOf(raw []byte, size uint32) api.Datum {
	wide := append(slices.Clone(raw), make([]byte, 8)...)
	text := strconv.FormatUint(binary.LittleEndian.Uint64(wide), 10)
	return api.Datum{Raw: raw[:size], Text: text, JSON: json.RawMessage(text)}
}

// plain writes JSON as people would: no quotes around names.
func plain(raw []byte) string {
	var (
		b     strings.Builder
		depth []byte
		key   bool
		first = true
	)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for {
		t, err := d.Token()
		if err != nil {
			return b.String()
		}
		delim, isDelim := t.(json.Delim)
		if isDelim && (delim == '}' || delim == ']') {
			b.WriteRune(rune(delim))
			depth = depth[:len(depth)-1]
			key, first = len(depth) > 0 && depth[len(depth)-1] == '{', false
			continue
		}
		inObject := len(depth) > 0 && depth[len(depth)-1] == '{'
		if !first && (!inObject || key) {
			b.WriteString(", ")
		}
		first = false
		switch v := t.(type) {
		case json.Delim:
			b.WriteRune(rune(v))
			depth, key, first = append(depth, byte(v)), v == '{', true
			continue
		case string:
			if inObject && key {
				b.WriteString(v + ": ")
			} else {
				b.WriteString(strconv.Quote(v))
			}
		case json.Number:
			b.WriteString(v.String())
		case bool:
			b.WriteString(strconv.FormatBool(v))
		default:
			b.WriteString("null")
		}
		if inObject {
			key = !key
		}
	}
}
