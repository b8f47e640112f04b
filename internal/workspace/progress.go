package workspace

import (
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// reporter sends progress to a frontend. A frontend's error stops the operation
// at the next report.
type reporter struct {
	fn  func(api.Progress) error
	err error
}

func (r *reporter) send(p api.Progress) error {
	if r.err != nil || r.fn == nil {
		return r.err
	}
	if p.Time.IsZero() {
		p.Time = time.Now()
	}
	r.err = r.fn(p)
	return r.err
}

// step runs one step and reports how it came out.
func (r *reporter) step(id, title string, run func(*step) error) error {
	s := &step{reporter: r, id: id, title: title}
	if err := s.send(api.StepStarted, ""); err != nil {
		return err
	}
	if err := run(s); err != nil {
		_ = s.send(api.StepFailed, err.Error())
		return err
	}
	if s.ended {
		return r.err
	}
	return s.send(api.StepDone, "")
}

// warn reports a warning.
func (r *reporter) warn(id, title, text string) {
	_ = r.send(api.Progress{Step: id, Title: title, State: api.StepWarning, Line: text})
}

// step is one step that runs.
type step struct {
	*reporter
	id, title string
	ended     bool
}

func (s *step) send(state api.StepState, line string) error {
	return s.reporter.send(api.Progress{Step: s.id, Title: s.title, State: state, Line: line})
}

func (s *step) line(text string) error { return s.send(api.StepRunning, text) }

func (s *step) skip(why string) error {
	s.ended = true
	return s.send(api.StepSkipped, why)
}

// forward passes on an engine's progress under this step's id and title.
func (s *step) forward(p api.Progress) error {
	p.Step, p.Title = s.id, s.title
	if p.State == api.StepStarted || p.State == api.StepDone || p.State == api.StepFailed || p.State == "" {
		p.State = api.StepRunning
	}
	return s.reporter.send(p)
}
