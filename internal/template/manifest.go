package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// manifestName is the file that describes a framework or a kind.
const manifestName = "template.json"

// manifest describes a framework or a kind.
type manifest struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// First puts a framework before all others: it is what `ebpfdev new` takes when
	// nobody chooses.
	First bool `json:"first"`
	// MinKernel is the oldest Linux that a kind's program loads on, "5.8".
	MinKernel string `json:"min_kernel"`
	// Render lists the files in which placeholders and marker lines are
	// processed; all others are copied as they are.
	Render []string `json:"render"`
	// Executable lists the files that get an executable mode, which embedding
	// loses.
	Executable []string `json:"executable"`
	// ReservedNames are what a framework's tools do not accept as a project's
	// name, whatever the case.
	ReservedNames []string `json:"reserved_names"`
	// Values are what ${templateOption:KEY} stands for, besides "name", "kind",
	// "image_size", "map" and the options.
	Values map[string]string `json:"values"`
	// Options are the values that a person may choose.
	Options []option `json:"options"`
	// ImageSize is how big a framework's image is on disk, "1.15 GB".
	ImageSize string `json:"image_size"`
	// Check says how a kind proves that it works.
	Check api.TemplateCheck `json:"check"`
}

// option is a value of a template that a person may choose.
type option struct {
	api.TemplateOption
	Pattern string `json:"pattern"` // what a value must match, as a whole
}

// valid reports whether a value may be chosen: what its pattern matches, in one
// line and without what would end a string or a word in the files it goes into.
func (o option) valid(value string) bool {
	ok, err := regexp.MatchString("^(?:"+o.Pattern+")$", value)
	return err == nil && ok && safeValue.MatchString(value)
}

// safeValue is what any option's value is made of.
var safeValue = regexp.MustCompile(`^[A-Za-z0-9_./:@+-]*$`)

// readManifest reads the manifest of a folder; unknown keys are an error.
func readManifest(fsys fs.FS, path string) (manifest, error) {
	var m manifest
	data, err := fs.ReadFile(fsys, path)
	if err != nil {
		return m, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	if m.Name == "" || m.Description == "" {
		return m, fmt.Errorf("%s: name or description missing", path)
	}
	for _, o := range m.Options {
		if !o.valid(o.Default) || o.Description == "" {
			return m, fmt.Errorf("%s: option %q: no description, or its pattern does not match its default", path, o.Name)
		}
	}
	return m, nil
}
