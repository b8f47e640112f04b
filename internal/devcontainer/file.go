package devcontainer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// File is a parsed devcontainer.json.
type File struct {
	Path string // as it was given to Parse
	// Raw is the whole object before substitution, unknown properties included.
	Raw map[string]any
	// Warnings say what has no effect or is given twice, with line and column.
	Warnings []string
	// Unsupported is set when a property cannot be honoured: an ErrNotSupported
	// that names it. Such a file cannot make a container; one that another tool
	// made from it can be used.
	Unsupported error

	doc *document
}

// Parse parses a devcontainer.json and checks every property that we know.
//
// Errors: ErrUsage with "path:line:column" as object for broken text and wrong
// types.
func Parse(path string, data []byte) (*File, error) {
	doc, err := parseDocument(path, data)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, Raw: doc.root, Warnings: doc.duplicates(), doc: doc}
	d := f.decoder(f.Raw)
	config := decodeConfig(d)
	for _, key := range d.unused() {
		f.checkUnused(d, key)
	}
	if d.err == nil && d.unable == nil && config.Image == "" && config.Build == nil {
		d.report(api.ErrUsage, `neither "image" nor "build" with a "dockerfile" is given`)
	}
	if d.err != nil {
		return nil, d.err
	}
	f.Unsupported = d.unable
	return f, nil
}

// Config returns the configuration with its variables substituted.
func (f *File) Config(vars Variables) (Config, error) {
	value, err := Substitute(f.Raw, vars)
	if err != nil {
		return Config{}, api.E("read", f.Path, api.ErrUsage, err)
	}
	d := f.decoder(value.(map[string]any))
	config := decodeConfig(d)
	return config, d.err
}

func (f *File) decoder(values map[string]any) *decoder {
	return &decoder{values: values, fail: func(kind api.Kind, cause string, keys ...string) error {
		return api.Errorf("read", f.Path+":"+f.doc.at(keys...), kind, cause)
	}}
}

// checkUnused refuses what may not be dropped and warns of what has no effect.
func (f *File) checkUnused(d *decoder, key string) {
	if why, ok := unsupported()[key]; ok {
		if object, isObject := f.Raw[key].(map[string]any); !isObject || len(object) > 0 {
			d.report(api.ErrNotSupported, fmt.Sprintf("%q: %s", key, why), key)
		}
		return
	}
	if slices.Contains(inert(), key) {
		return
	}
	warning := fmt.Sprintf("%s:%s: property %q is not known and has no effect", f.Path, f.doc.at(key), key)
	for _, known := range d.used {
		if strings.EqualFold(known, key) {
			warning += fmt.Sprintf("; %q is meant", known)
			break
		}
	}
	f.Warnings = append(f.Warnings, warning)
}
