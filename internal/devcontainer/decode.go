package devcontainer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// decoder reads typed properties of a decoded JSON object. It keeps the first
// error and, apart from it, the first thing that cannot be honoured; fail makes
// one for the property that the keys lead to.
type decoder struct {
	values map[string]any
	path   []string // keys that lead to values
	fail   func(kind api.Kind, cause string, keys ...string) error
	err    error
	unable error // ErrNotSupported
	used   []string
}

func (d *decoder) report(kind api.Kind, cause string, keys ...string) {
	first := &d.err
	if kind == api.ErrNotSupported {
		first = &d.unable
	}
	if *first == nil {
		*first = d.fail(kind, cause, append(slices.Clone(d.path), keys...)...)
	}
}

func (d *decoder) wrong(key, want string) {
	d.report(api.ErrUsage, fmt.Sprintf("%q must be %s, not %s", key, want, describe(d.values[key])), key)
}

// take returns a property and whether it is there.
func (d *decoder) take(key string) (any, bool) {
	d.used = append(d.used, key)
	value, ok := d.values[key]
	return value, ok
}

func (d *decoder) text(key string) string {
	value, ok := d.take(key)
	text, isText := value.(string)
	if ok && !isText {
		d.wrong(key, "a string")
	}
	return text
}

func (d *decoder) oneOf(key string, allowed ...string) string {
	text := d.text(key)
	if text != "" && !slices.Contains(allowed, text) {
		d.report(api.ErrUsage, fmt.Sprintf("%q must be one of %s, not %q", key, strings.Join(allowed, ", "), text), key)
	}
	return text
}

func (d *decoder) flag(key string) *bool {
	value, ok := d.take(key)
	if !ok {
		return nil
	}
	on, isBool := value.(bool)
	if !isBool {
		d.wrong(key, "true or false")
	}
	return &on
}

func (d *decoder) on(key string) bool {
	on := d.flag(key)
	return on != nil && *on
}

func (d *decoder) array(key string) []any {
	value, ok := d.take(key)
	list, isList := value.([]any)
	if ok && !isList {
		d.wrong(key, "an array")
	}
	return list
}

func (d *decoder) texts(key string) []string {
	return d.toTexts(key, d.array(key))
}

func (d *decoder) toTexts(key string, list []any) []string {
	if list == nil {
		return nil
	}
	texts := make([]string, 0, len(list))
	for i, element := range list {
		text, ok := element.(string)
		if !ok {
			d.report(api.ErrUsage, fmt.Sprintf("%q[%d] must be a string, not %s", key, i, describe(element)),
				key, fmt.Sprint(i))
		}
		texts = append(texts, text)
	}
	return texts
}

// textOrTexts reads a string or an array of them.
func (d *decoder) textOrTexts(key string) []string {
	if text, ok := d.values[key].(string); ok {
		d.used = append(d.used, key)
		return []string{text}
	}
	return d.texts(key)
}

func (d *decoder) object(key string) *decoder {
	value, ok := d.take(key)
	values, isObject := value.(map[string]any)
	if ok && !isObject {
		d.wrong(key, "an object")
	}
	return &decoder{values: values, path: append(slices.Clone(d.path), key), fail: d.fail}
}

// scalars reads an object of strings; numbers and booleans are taken as the text
// that they are written with, null as nil.
func (d *decoder) scalars(key string) map[string]*string {
	sub := d.object(key)
	if sub.values == nil {
		return nil
	}
	texts := make(map[string]*string, len(sub.values))
	for name, value := range sub.values {
		text, ok := scalar(value)
		if !ok && value != nil {
			sub.wrong(name, "a string")
		}
		if value == nil {
			texts[name] = nil
			continue
		}
		texts[name] = &text
	}
	d.join(sub)
	return texts
}

// strings is scalars without null.
func (d *decoder) strings(key string) map[string]string {
	scalars := d.scalars(key)
	if scalars == nil {
		return nil
	}
	texts := make(map[string]string, len(scalars))
	for name, value := range scalars {
		if value == nil {
			d.report(api.ErrUsage, fmt.Sprintf("%q must be a string, not null", name), key, name)
			continue
		}
		texts[name] = *value
	}
	return texts
}

// join takes over a nested decoder's errors.
func (d *decoder) join(sub *decoder) {
	if d.err == nil {
		d.err = sub.err
	}
	if d.unable == nil {
		d.unable = sub.unable
	}
}

// unused returns the keys that nothing read, sorted.
func (d *decoder) unused() []string {
	var keys []string
	for key := range d.values {
		if !slices.Contains(d.used, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	default:
		return "", false
	}
}

func describe(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
