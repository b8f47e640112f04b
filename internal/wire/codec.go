package wire

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// bulk returns where a value keeps the raw bytes that its JSON leaves out. v is a
// pointer. Both ends ask it, so the order is the order on the wire.
func bulk(v any) []*[]byte {
	switch v := v.(type) {
	case *api.LoadRequest:
		return []*[]byte{&v.Object.Data}
	case *api.VerifyRequest:
		return []*[]byte{&v.Object.Data}
	case *api.EventsRequest:
		return []*[]byte{&v.Object.Data}
	case *api.CommandRequest:
		fields := make([]*[]byte, len(v.Files))
		for i := range v.Files {
			fields[i] = &v.Files[i].Data
		}
		return fields
	case *api.BTFData:
		return []*[]byte{&v.Data}
	case *api.BuildResult:
		fields := make([]*[]byte, len(v.Objects))
		for i := range v.Objects {
			fields[i] = &v.Objects[i].Data
		}
		return fields
	default:
		return nil
	}
}

// encode turns the value behind the pointer v into the parts of a message.
func encode(v any) ([][]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{b}
	for _, data := range bulk(v) {
		parts = append(parts, *data)
	}
	return parts, nil
}

// decode fills the value behind the pointer v. Fields that it does not know are
// ignored: a newer agent may say more.
func decode(parts [][]byte, v any) error {
	if err := json.Unmarshal(parts[0], v); err != nil {
		return err
	}
	return attachBulk(parts, v)
}

// decodeStrict is decode, but a field that is not known is an error: the
// client asks for something that would silently not be done.
func decodeStrict(parts [][]byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(parts[0]))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	return attachBulk(parts, v)
}

func attachBulk(parts [][]byte, v any) error {
	fields := bulk(v)
	if len(fields) != len(parts)-1 {
		return fmt.Errorf("%d raw parts in place of %d", len(parts)-1, len(fields))
	}
	for i, field := range fields {
		if data := parts[i+1]; len(data) > 0 {
			*field = data
		}
	}
	return nil
}
