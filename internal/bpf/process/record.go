package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// ID names one process for ever: its number alone may be another's by now.
type ID struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks after boot
}

// Record is what is written down of a loader process. The environment is not:
// it may hold secrets.
type Record struct {
	Project   string       `json:"project"`
	Boot      string       `json:"boot"` // the boot that the starts count from
	Keeper    ID           `json:"keeper"`
	Loader    ID           `json:"loader"`
	Args      []string     `json:"args"`
	Dir       string       `json:"dir"`
	Lifetime  api.Lifetime `json:"lifetime"`
	StartedAt time.Time    `json:"started_at"`
	Ended     *End         `json:"ended,omitempty"`
}

// End tells how a loader ended.
type End struct {
	At       time.Time `json:"at"`
	ExitCode int       `json:"exit_code"`        // 128+n when a signal ended it
	Signal   int       `json:"signal,omitempty"` // that ended it
}

// unseen is the exit code of a loader that nobody saw end: its keeper was killed
// too, or the machine stopped.
const unseen = -1

const (
	recordName = "process.json"
	maxRecord  = 1 << 20
)

// Tool is what a loader is called in errors: "bpftrace opens.bt".
func (r *Record) Tool() string { return toolName(r.Args) }

func toolName(args []string) string {
	if len(args) == 0 {
		return "process"
	}
	name := filepath.Base(args[0])
	if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		name += " " + args[1]
	}
	return name
}

// readRecord returns the record in a folder, nil when there is none.
func readRecord(dir string) (*Record, error) {
	path := filepath.Join(dir, recordName)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxRecord:
		return nil, fmt.Errorf("%s: it is no record of ours", path)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}

// write puts the record into a folder, whole or not at all.
func (r *Record) write(dir string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, recordName)
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
