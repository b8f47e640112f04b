// Package doctor finds what stands between a machine and a loaded program, and
// repairs what can be repaired safely: it installs and starts an engine on
// Debian and Ubuntu, and makes a base image from the distribution's packages
// where no registry can be reached.
//
// Looking changes nothing that stays: the containers that it starts to see what
// an engine grants are removed again. Changes are first a plan, in commands that
// a person can read; whoever calls Apply has asked.
package doctor

import (
	"context"
	"os"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// DefaultBaseImage is what the scaffolds' Dockerfiles begin with.
const DefaultBaseImage = "debian:trixie-slim"

// Options say what to look at.
type Options struct {
	// Engine opens the engine anew at each call: Apply may have just started it.
	// Nil where programs are loaded on this machine without one.
	Engine func(context.Context) (engine.Engine, error)
	// Probe looks at this machine's kernel. Nil where it has none of use.
	Probe func(context.Context) (api.Kernel, error)
	// Env looks up environment variables; nil is an empty environment.
	Env func(string) (string, bool)
	// BaseImages are the images that Dockerfiles begin with; DefaultBaseImage
	// when empty.
	BaseImages []string
}

// Doctor implements api.Doctor.
type Doctor struct {
	opts    Options
	machine machine
}

var _ api.Doctor = (*Doctor)(nil)

// New returns a doctor for this machine.
func New(opts Options) *Doctor {
	if len(opts.BaseImages) == 0 {
		opts.BaseImages = []string{DefaultBaseImage}
	}
	if opts.Env == nil {
		opts.Env = func(string) (string, bool) { return "", false }
	}
	return &Doctor{opts: opts, machine: thisMachine(os.DirFS("/"))}
}

// The ids of checks that can be repaired.
const (
	idEngine    = "engine"
	idBaseImage = "base-image"
	idBPFFS     = "bpffs"
	idTraceFS   = "tracefs"
)

// Diagnose runs all checks and sends each as it is known.
func (d *Doctor) Diagnose(ctx context.Context, req api.DoctorRequest, fn func(api.Check) error) error {
	x := &examination{doctor: d, folder: req.Folder, target: req.Target}
	defer x.close()
	for _, step := range []func(context.Context) []api.Check{
		x.checkKernel, x.checkEngine, x.checkMachine, x.checkPrivileged, x.checkBaseImages,
		x.checkPermission, x.checkFeatures, x.checkMounts, x.checkQEMU, x.checkDisk,
	} {
		for _, c := range step(ctx) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := fn(c); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// examination is one round of checks: what the earlier ones found out serves
// the later ones.
type examination struct {
	doctor    *Doctor
	folder    string
	target    api.TargetName
	kernel    api.Kernel
	kernelErr error
	engine    engine.Engine // nil when none answers
	info      engine.Info
	base      string // a base image that is there, or empty
}

func (x *examination) close() {
	if x.engine != nil {
		_ = x.engine.Close()
	}
}

// inside reports whether we run in a container that has no engine to ask and
// needs none: the dev container itself.
func (x *examination) inside() bool {
	return x.engine == nil && x.kernelErr == nil && x.kernel.Container
}

func ok(id, title, found, why string) api.Check {
	return api.Check{ID: id, Title: title, State: api.CheckOK, Found: found, Why: why}
}

func warn(id, title, found, why, fix string) api.Check {
	return api.Check{ID: id, Title: title, State: api.CheckWarn, Found: found, Why: why, Fix: fix}
}

func fail(id, title, found, why, fix string) api.Check {
	return api.Check{ID: id, Title: title, State: api.CheckFail, Found: found, Why: why, Fix: fix}
}
