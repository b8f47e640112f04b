package maps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
	"github.com/ebpfdev/ebpfdev/internal/mapexpr"
)

// column is a field that is shown by itself.
type column struct {
	name  string
	field *mapexpr.Field
	style string // "", "hex", "time", "duration"
	boot  time.Time
}

// columns finds the fields that a request names. Errors: ErrUsage.
func (v *view) columns(names []string) ([]column, error) {
	var all []column
	for _, name := range names {
		path, style, _ := strings.Cut(name, ":")
		field, err := v.schema().Field(path)
		if err != nil {
			return nil, v.expression("columns, "+strconv.Quote(name), err)
		}
		c := column{name: path, field: field, style: style}
		if slices.ContainsFunc(all, func(other column) bool { return other.name == path }) {
			c.name = name
		}
		switch style {
		case "", "hex":
		case "time", "duration":
			if k := field.Place.Kind(); k != btfview.Unsigned && k != btfview.Signed {
				return nil, v.errorf(api.ErrUsage, "columns: "+path+" is no number of nanoseconds")
			}
			c.boot = booted()
		default:
			return nil, v.errorf(api.ErrUsage, fmt.Sprintf("columns: %q is no way to write %s; there are hex, time and duration", style, path))
		}
		all = append(all, c)
	}
	return all, nil
}

// booted is when the clock of bpf_ktime_get_ns was at 0. It stands still while the
// machine is suspended, so that what was before is off by that.
func booted() time.Time {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(ts.Nano()))
}

// append appends a column's text or JSON.
func (c *column) append(dst, key, value []byte, json bool) []byte {
	switch c.style {
	case "hex":
		return word(dst, api.Hex(c.raw(key, value)).String(), json)
	case "time":
		at := c.boot.Add(time.Duration(c.field.Uint(key, value)))
		return word(dst, at.Format("2006-01-02T15:04:05.000Z07:00"), json)
	case "duration":
		return word(dst, time.Duration(c.field.Uint(key, value)).String(), json)
	default:
		return c.field.Append(dst, key, value, json)
	}
}

func (c *column) raw(key, value []byte) []byte {
	return c.field.Raw(key, value)
}

func word(dst []byte, text string, json bool) []byte {
	if json {
		return append(append(append(dst, '"'), text...), '"')
	}
	return append(dst, text...)
}

// shown is an entry as it was asked for: decoded, or only its columns.
func (v *view) shown(columns []column, key, value []byte) api.Entry {
	if len(columns) == 0 {
		return v.entry(key, value)
	}
	e := api.Entry{Key: api.Datum{Raw: key}, Value: api.Datum{Raw: value}}
	if len(v.names) > 0 {
		e.Key = v.keyDatum(key)
	}
	if perCPU(v.typ) {
		e.Value.Raw = v.cpu(value, 0)
	}
	e.Cells = make([]api.Datum, len(columns))
	for i := range columns {
		c := &columns[i]
		e.Cells[i] = api.Datum{
			Raw: c.raw(key, value), Text: string(c.append(nil, key, value, false)), JSON: c.append(nil, key, value, true),
		}
	}
	return e
}
