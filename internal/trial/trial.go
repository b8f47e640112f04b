// Package trial tries templates: it makes a project of one and takes that from
// nothing to an event, as a person would, on the engine and the kernel that are
// there. What it needs of them it asks of api.
package trial

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// takeBackWithin bounds the cleaning up after a trial that was cancelled.
const takeBackWithin = 2 * time.Minute

// Trial tries templates in a folder of its own.
type Trial struct {
	Scaffolder api.Scaffolder
	Workspace  api.Workspace
	Parent     string // where the projects go; each is removed again
}

// Result is what became of one kind of a template.
type Result struct {
	Template string `json:"template"`
	Kind     string `json:"kind"`
	Steps    []Step `json:"steps"`
	// Entry and Output are what was seen: an entry of the map and a line of the
	// project's own loader.
	Entry  string `json:"entry,omitempty"`
	Output string `json:"output,omitempty"`
	Error  string `json:"error,omitempty"` // empty when everything went well
}

// Step is a part of a trial that has ended.
type Step struct {
	Name string        `json:"name"`
	Took time.Duration `json:"took_ns"`
}

// attempt is one project, from its first file to its end.
type attempt struct {
	Trial
	template api.Template
	kind     api.TemplateKind
	folder   string
	entry    *regexp.Regexp // in the map
	output   *regexp.Regexp // of the loader
	report   func(api.Progress) error

	session api.Session
	built   api.BuildResult
	result  Result
}

// Run tries one kind. What failed is in the result; the error says the same and
// has its kind. Whatever comes, nothing of the project is left but its image,
// which the next kinds are faster with: Clean removes images.
func (t Trial) Run(ctx context.Context, template api.Template, kind api.TemplateKind, fn func(api.Progress) error) (res Result, err error) {
	a := &attempt{
		Trial: t, template: template, kind: kind, report: fn,
		folder: t.folder(template, kind),
		result: Result{Template: template.ID, Kind: kind.ID, Steps: []Step{}},
	}
	defer func() {
		if err != nil {
			a.result.Error = err.Error()
		}
		res = a.result
	}()
	a.entry, err = regexp.Compile(kind.Check.Entry)
	if err == nil {
		a.output, err = regexp.Compile(kind.Check.Output)
	}
	if err != nil {
		return res, api.E("check template", template.ID+"/"+kind.ID, api.ErrInvalid, err)
	}
	err = a.all(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackWithin)
	defer cancel()
	return res, errors.Join(err, a.step(ctx, step{"down", "Remove the container", a.down}))
}

// folder is where a kind's project goes. Its name is the project's.
func (t Trial) folder(template api.Template, kind api.TemplateKind) string {
	return filepath.Join(t.Parent, "check-"+template.ID+"-"+kind.ID)
}

// Clean removes the images of kinds that were tried.
func (t Trial) Clean(ctx context.Context, template api.Template, kinds []api.TemplateKind) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackWithin)
	defer cancel()
	var errs []error
	for _, kind := range kinds {
		folder := t.folder(template, kind)
		if _, err := os.Stat(folder); err != nil {
			continue
		}
		_, err := t.Workspace.Down(ctx, api.DownRequest{Folder: folder, All: true})
		errs = append(errs, err, os.RemoveAll(folder))
	}
	return errors.Join(errs...)
}

// step is a part of a trial. What do returns is what it found, for people.
type step struct {
	name, title string
	do          func(context.Context) (string, error)
}

// all takes the project from its first file to its own loader's output.
func (a *attempt) all(ctx context.Context) error {
	steps := []step{
		{"scaffold", "Write the project", a.scaffold},
		{"up", "Build the image, start the container", a.up},
		{"build", "Build without a network", a.buildOffline},
		{"rebuild", "Build again", a.build},
		{"test", "Run the project's own tests", a.test},
		{"verify", "Ask the verifier", a.verify},
		{"load", "Load and attach", a.load},
		{"map", "See the stimulus in the map " + a.kind.Check.Map, a.seeEntry},
		{"unload", "Take it back", a.unload},
		{"run", "See the stimulus in the loader's output", a.seeOutput},
	}
	for _, s := range steps {
		if err := a.step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// step runs one step, reports it and takes its time.
func (a *attempt) step(ctx context.Context, s step) error {
	say := func(state api.StepState, title string) error {
		return a.report(api.Progress{
			Time: time.Now(), Step: a.template.ID + "/" + a.kind.ID + " " + s.name, Title: title, State: state,
		})
	}
	if err := say(api.StepStarted, s.title); err != nil {
		return err
	}
	began := time.Now()
	found, err := s.do(ctx)
	a.result.Steps = append(a.result.Steps, Step{Name: s.name, Took: time.Since(began)})
	switch {
	case err != nil:
		return errors.Join(err, say(api.StepFailed, s.title))
	case found != "":
		return say(api.StepDone, s.title+": "+found)
	default:
		return say(api.StepDone, s.title)
	}
}
