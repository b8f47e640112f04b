package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
)

// manifestName is the file that describes a framework or a kind.
const manifestName = "template.json"

// manifest describes a framework or a kind.
type manifest struct {
	Name        string `json:"name"`
	Description string `json:"description"`
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
	// Values are what ${templateOption:KEY} stands for, besides "name".
	Values map[string]string `json:"values"`
}

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
	return m, nil
}
