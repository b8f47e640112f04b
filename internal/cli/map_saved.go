package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// savedMap is the first line of a saved map.
type savedMap struct {
	Map api.Map `json:"map"`
}

// saved is a file that map save wrote.
type saved struct {
	io.Closer
	path string
	m    api.Map
	dec  *json.Decoder
}

// openSaved reads the file's first line. Errors: ErrNotExist, ErrInvalid.
func openSaved(path string) (*saved, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, api.Errorf("read saved map", path, api.ErrNotExist, "there is no such file")
	}
	if err != nil {
		return nil, api.E("read saved map", path, "", err)
	}
	s := &saved{Closer: f, path: path, dec: json.NewDecoder(f)}
	var head savedMap
	if err := s.dec.Decode(&head); err != nil || head.Map.Type == "" {
		_ = f.Close()
		return nil, api.Errorf("read saved map", path, api.ErrInvalid, `it is no file that "ebpfdev map save" wrote`)
	}
	s.m = head.Map
	return s, nil
}

// fits refuses a map whose entries have other sizes. Error: ErrConflict.
func (s *saved) fits(m api.Map) error {
	if s.m.KeySize == m.KeySize && s.m.ValueSize == m.ValueSize && s.m.PerCPU == m.PerCPU {
		return nil
	}
	return api.Errorf("read saved map", s.path, api.ErrConflict, fmt.Sprintf(
		"it has keys of %d and values of %d bytes, %s has %d and %d", s.m.KeySize, s.m.ValueSize, m.Name, m.KeySize, m.ValueSize))
}

// all returns the entries.
func (s *saved) all() ([]api.Entry, error) {
	var all []api.Entry
	for {
		var e api.Entry
		err := s.dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, api.Errorf("read saved map", s.path, api.ErrInvalid, fmt.Sprintf("entry %d: %v", len(all)+1, err))
		}
		all = append(all, e)
	}
}
