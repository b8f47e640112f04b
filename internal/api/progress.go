package api

import "time"

// StepState is where a step of a long operation stands.
type StepState string

// The states of a step.
const (
	StepStarted StepState = "started"
	StepRunning StepState = "running" // Line, Done or Total changed
	StepDone    StepState = "done"
	StepSkipped StepState = "skipped" // nothing had to be done; Line says why
	StepWarning StepState = "warning" // something a person should know; the step goes on
	StepFailed  StepState = "failed"
)

// Progress is one report of a long operation. Steps are told apart by Step and
// may overlap.
type Progress struct {
	Time  time.Time `json:"time"`
	Step  string    `json:"step"`           // stable id: "engine", "image", "create", "start", "agent", "hook postCreateCommand"
	Title string    `json:"title"`          // for people: "Build the image"
	State StepState `json:"state"`          //
	Line  string    `json:"line,omitempty"` // the last line of output, or the reason
	Done  int64     `json:"done,omitempty"` // how much of Total
	Total int64     `json:"total,omitempty"`
	Unit  string    `json:"unit,omitempty"` // "bytes", "steps", "layers"
}
