package doctor

import (
	"context"
	"runtime"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Plan returns the fixes that are safe to apply here. What belongs to somebody
// else is left alone: an engine that DOCKER_HOST or a context names, a system
// without apt, a machine on which we are not root.
func (d *Doctor) Plan(_ context.Context, checks []api.Check) ([]api.Fix, error) {
	var fixes []api.Fix
	for _, c := range checks {
		if c.State == api.CheckOK {
			continue
		}
		switch c.ID {
		case idEngine:
			if c.Fix == fixCommand && d.canInstall() {
				fixes = append(fixes, d.engineFixPlan())
			}
		case idBPFFS, idTraceFS:
			if d.opts.Engine == nil && d.machine.root {
				fixes = append(fixes, api.Fix{ID: c.ID, Title: "Mount the " + c.Title, Commands: []string{mountOf(c.ID).String()}})
			}
		}
	}
	// The base image comes last: it needs the engine.
	engineComes := !failed(checks, idEngine) || len(fixes) > 0
	for _, c := range checks {
		if c.ID == idBaseImage && c.State != api.CheckOK && engineComes {
			return append(fixes, d.baseFixPlan()), nil
		}
	}
	return fixes, nil
}

func failed(checks []api.Check, id string) bool {
	for _, c := range checks {
		if c.ID == id && c.State == api.CheckFail {
			return true
		}
	}
	return false
}

// chosen reports whether somebody has said where the engine is.
func (d *Doctor) chosen() bool {
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT"} {
		if v, _ := d.opts.Env(name); v != "" && v != "default" {
			return true
		}
	}
	return false
}

// canInstall reports whether an engine may be put on this machine: nobody has
// said that it is elsewhere, and the means are there.
func (d *Doctor) canInstall() bool {
	return d.opts.Engine != nil && !d.chosen() && runtime.GOOS == "linux" && d.machine.root && (d.machine.apt || d.machine.path("dockerd"))
}

// engineFixPlan installs what is missing and starts the engine.
func (d *Doctor) engineFixPlan() api.Fix {
	fix := api.Fix{ID: idEngine, Title: "Start Docker Engine"}
	if !d.machine.path("dockerd") {
		fix.Title = "Install and start Docker Engine"
		for _, c := range installEngine() {
			fix.Commands = append(fix.Commands, c.String())
		}
	}
	start := "service docker start || " + bareEngine(nil).String() + " &"
	if d.machine.systemd {
		start = startSystemd().String()
	}
	fix.Commands = append(fix.Commands, start)
	return fix
}

// baseFixPlan pulls the base images or, without a registry, makes them.
func (d *Doctor) baseFixPlan() api.Fix {
	fix := api.Fix{ID: idBaseImage, Title: "Get the base image"}
	for _, ref := range d.opts.BaseImages {
		pull := cmd("docker", "pull", ref).String()
		suite, err := suiteOf(ref)
		if err != nil || !d.canMake() {
			fix.Commands = append(fix.Commands, pull)
			continue
		}
		if !d.machine.path("mmdebstrap") && !d.machine.path("debootstrap") {
			for _, c := range installTools() {
				fix.Commands = append(fix.Commands, c.String())
			}
		}
		fix.Commands = append(fix.Commands, pull+" || "+d.machine.bootstrap(suite).String()+" | "+
			cmd("docker", "import", "-c", "LABEL "+baseLabel+"="+baseLocal, "-", ref).String())
	}
	return fix
}

// canMake reports whether a base image can be made of packages here.
func (d *Doctor) canMake() bool {
	return d.machine.path("mmdebstrap") || (d.machine.apt && d.machine.root)
}
