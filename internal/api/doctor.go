package api

import "context"

// Doctor finds what stands between a machine and a loaded program.
type Doctor interface {
	// Diagnose runs all checks and sends each result as it is known, in a
	// stable order. What cannot be checked is a CheckFail with the reason.
	Diagnose(ctx context.Context, req DoctorRequest, fn func(Check) error) error
	// Plan returns the fixes that are safe to apply here, in order.
	Plan(ctx context.Context, checks []Check) ([]Fix, error)
	// Apply applies one fix of a plan.
	Apply(ctx context.Context, fix Fix, fn func(Progress) error) error
}

// DoctorRequest chooses the workspace whose needs are checked too, and where its
// programs will be loaded; empty is the container where there is an engine.
type DoctorRequest struct {
	Folder string     `json:"folder,omitempty"`
	Target TargetName `json:"target,omitempty"`
}

// CheckState is how a check came out.
type CheckState string

// The states of a check.
const (
	CheckOK   CheckState = "ok"
	CheckWarn CheckState = "warn" // something will not work, most will
	CheckFail CheckState = "fail" // the main job cannot work
)

// Check is one finding.
type Check struct {
	ID    string     `json:"id"`    // "engine", "engine-privileged", "kernel-btf", "bpffs", "base-image" …
	Title string     `json:"title"` // "Docker Engine"
	State CheckState `json:"state"`
	Found string     `json:"found"`         // what was found: "26.1.5 at unix:///var/run/docker.sock"
	Why   string     `json:"why"`           // why it matters
	Fix   string     `json:"fix,omitempty"` // a command to run; empty when ok
}

// Fix is a change to this machine that repairs a failed check.
type Fix struct {
	ID       string   `json:"id"` // the check it repairs
	Title    string   `json:"title"`
	Commands []string `json:"commands"` // what it does, as commands, for the person who is asked
}
