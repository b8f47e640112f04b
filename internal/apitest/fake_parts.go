package apitest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// FakeScaffolder is an api.Scaffolder that writes nothing.
type FakeScaffolder struct {
	// Err is what Scaffold fails with.
	Err error

	mu     sync.Mutex
	asked  int
	writes []api.ScaffoldRequest
	Told   []string          // what Init finds in the project's files
	Open   []api.OpenSetting // what it does not find
}

var _ api.Scaffolder = (*FakeScaffolder)(nil)

// NewFakeScaffolder returns a scaffolder with one template and two kinds.
func NewFakeScaffolder() *FakeScaffolder { return &FakeScaffolder{} }

// Calls returns how many calls came.
func (s *FakeScaffolder) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Scaffolded returns what was asked to be written.
func (s *FakeScaffolder) Scaffolded() []api.ScaffoldRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

func (s *FakeScaffolder) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
}

// Templates implements api.Scaffolder.
func (s *FakeScaffolder) Templates(ctx context.Context) ([]api.Template, error) {
	s.enter()
	return []api.Template{{
		ID: "ebpf-go", Name: "Go with cilium/ebpf", Description: "C programs, a Go loader made by bpf2go.",
		Kinds: []api.TemplateKind{
			{ID: "tracepoint", Name: "Trace exec", Description: "Counts and reports each exec.", MinKernel: "5.8"},
			{ID: "xdp", Name: "Count packets", Description: "Counts packets by protocol.", MinKernel: "5.9"},
		},
	}}, ctx.Err()
}

// Preview implements api.Scaffolder.
func (s *FakeScaffolder) Preview(ctx context.Context, req api.ScaffoldRequest) (api.Preview, error) {
	s.enter()
	if !regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`).MatchString(req.Name) {
		return api.Preview{}, api.Errorf("scaffold", req.Name, api.ErrUsage, "a name is letters, digits, '-' and '_', and begins with a letter")
	}
	args := "\"--privileged\""
	if req.Options.LeastPrivilege {
		args = "\"--cap-add=BPF\""
	}
	command := fmt.Sprintf("ebpfdev new %s --template %s --kind %s", req.Name, req.Template, req.Kind)
	if req.Options.LeastPrivilege {
		command += " --least-privilege"
	}
	return api.Preview{
		Files:        []string{".devcontainer/Dockerfile", ".devcontainer/devcontainer.json", "README.md", "bpf/" + req.Kind + ".bpf.c", "go.mod", "main.go"},
		Devcontainer: "{\n\t\"name\": \"" + req.Name + "\",\n\t// bpf(2) needs it\n\t\"runArgs\": [" + args + "]\n}\n",
		Command:      command,
	}, ctx.Err()
}

// Scaffold implements api.Scaffolder.
func (s *FakeScaffolder) Scaffold(ctx context.Context, req api.ScaffoldRequest) (api.ScaffoldResult, error) {
	s.enter()
	if s.Err != nil {
		return api.ScaffoldResult{}, s.Err
	}
	p, err := s.Preview(ctx, req)
	if err != nil {
		return api.ScaffoldResult{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, req)
	return api.ScaffoldResult{Folder: req.Folder, Files: p.Files}, nil
}

// Init implements api.Scaffolder.
func (s *FakeScaffolder) Init(ctx context.Context, req api.InitRequest) (api.InitResult, error) {
	s.enter()
	if s.Err != nil {
		return api.InitResult{}, s.Err
	}
	return api.InitResult{
		Folder: req.Folder, Template: "ebpf-go", Written: []string{".devcontainer/Dockerfile", ".devcontainer/devcontainer.json"},
		Told: s.Told, Open: s.Open,
	}, ctx.Err()
}

// FakeDoctor is an api.Doctor that gives set checks.
type FakeDoctor struct {
	Checks []api.Check
	Fixes  []api.Fix
	Err    error
}

var _ api.Doctor = (*FakeDoctor)(nil)

// NewFakeDoctor returns a doctor that finds one check of each state.
func NewFakeDoctor() *FakeDoctor {
	return &FakeDoctor{
		Checks: []api.Check{
			{ID: "engine", Title: "Docker Engine", State: api.CheckOK, Found: "26.1.5 at unix:///var/run/docker.sock", Why: "it runs the dev container"},
			{ID: "bpffs", Title: "bpffs", State: api.CheckWarn, Found: "not mounted", Why: "pins live there", Fix: "mount -t bpf bpf /sys/fs/bpf"},
			{ID: "base-image", Title: "Base image", State: api.CheckFail, Found: "none", Why: "the Dockerfile starts from it", Fix: "ebpfdev doctor --fix"},
		},
		Fixes: []api.Fix{{ID: "base-image", Title: "Make a base image", Commands: []string{"mmdebstrap trixie"}}},
	}
}

// Diagnose implements api.Doctor.
func (d *FakeDoctor) Diagnose(ctx context.Context, _ api.DoctorRequest, fn func(api.Check) error) error {
	for _, c := range d.Checks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(c); err != nil {
			return err
		}
	}
	return d.Err
}

// Plan implements api.Doctor.
func (d *FakeDoctor) Plan(ctx context.Context, _ []api.Check) ([]api.Fix, error) {
	return d.Fixes, ctx.Err()
}

// Apply implements api.Doctor.
func (d *FakeDoctor) Apply(ctx context.Context, fix api.Fix, fn func(api.Progress) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return fn(api.Progress{Step: fix.ID, Title: fix.Title, State: api.StepDone})
}
