package doctor

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// A base image that was made here says so: it has a public image's name.
const (
	baseLabel = "dev.ebpfdev.base"
	baseLocal = "local"
)

// pullPatience is how long a registry may take before the first layer comes.
const pullPatience = 45 * time.Second

// installTools installs what makes a root file system of packages.
func installTools() []command {
	return []command{
		apt("update"),
		apt("install", "-y", "--no-install-recommends", "mmdebstrap", "debian-archive-keyring"),
	}
}

// bootstrap writes a Debian root file system as a tar to standard output.
func (m machine) bootstrap(suite string) command {
	const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
	c := cmd("mmdebstrap", "--variant=minbase", "--include=ca-certificates", "--keyring="+keyring, suite, "-")
	c.argv = append(c.argv, m.mirrorLines(suite)...)
	// /tmp may be small or refuse devices.
	c.env = []string{"TMPDIR=/var/tmp"}
	return c
}

// debootstrap unpacks a Debian root file system into a folder.
func (m machine) debootstrap(suite, dir string) command {
	c := cmd("debootstrap", "--variant=minbase", "--include=ca-certificates", suite, dir)
	if lines := m.mirrorLines(suite); len(lines) > 0 {
		c.argv = append(c.argv, strings.Fields(lines[0])[1])
	}
	return c
}

// applyBase gets every base image that is not there.
func (d *Doctor) applyBase(ctx context.Context, s *step) error {
	if d.opts.Engine == nil {
		return api.Errorf("get base image", "", api.ErrUsage, "this machine is used without an engine")
	}
	e, err := d.opts.Engine(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	for _, ref := range d.opts.BaseImages {
		if err := d.getBase(ctx, e, ref, s); err != nil {
			return err
		}
	}
	return nil
}

// getBase pulls an image and makes it when no registry answers.
func (d *Doctor) getBase(ctx context.Context, e engine.Engine, ref string, s *step) error {
	_, err := e.InspectImage(ctx, ref)
	if err == nil {
		return s.report(api.StepSkipped, ref+" is here already")
	}
	if api.KindOf(err) != api.ErrNotExist {
		return err
	}
	pullErr := pull(ctx, e, ref, s)
	if pullErr == nil || ctx.Err() != nil {
		return pullErr
	}
	if kind := api.KindOf(pullErr); kind != api.ErrEnvironment && kind != api.ErrTimeout {
		return pullErr
	}
	if err := s.report(api.StepWarning, pullErr.Error()+"; making it from packages"); err != nil {
		return err
	}
	return d.makeBase(ctx, e, ref, s)
}

// pull pulls, and gives up on a registry from which nothing comes.
func pull(ctx context.Context, e engine.Engine, ref string, s *step) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := api.Errorf("pull image", ref, api.ErrTimeout, "the registry sent nothing for "+pullPatience.String())
	timer := time.AfterFunc(pullPatience, func() { cancel(silent) })
	defer timer.Stop()
	err := e.PullImage(ctx, ref, func(p api.Progress) error {
		if p.Total > 0 {
			timer.Stop()
		}
		return s.progress(api.Progress{State: api.StepRunning, Line: p.Line, Done: p.Done, Total: p.Total, Unit: p.Unit})
	})
	if err != nil && errors.Is(context.Cause(ctx), error(silent)) {
		return silent
	}
	return err
}

// makeBase makes an image of the distribution's packages.
func (d *Doctor) makeBase(ctx context.Context, e engine.Engine, ref string, s *step) error {
	suite, err := suiteOf(ref)
	if err != nil {
		return err
	}
	info, err := e.Info(ctx)
	if err != nil {
		return err
	}
	if runtime.GOOS != "linux" || info.Arch != runtime.GOARCH {
		return api.Errorf("make base image", ref, api.ErrNotSupported, "packages can be unpacked only on Linux, for its own architecture")
	}
	if !d.canMake() {
		return api.Errorf("make base image", ref, api.ErrNotSupported, "it needs mmdebstrap, or root on Debian or Ubuntu to install it").
			WithHint("sudo " + fixCommand)
	}
	if !d.machine.path("mmdebstrap") && d.machine.root && d.machine.apt {
		if err := runAll(ctx, s, installTools()); err != nil && (ctx.Err() != nil || !d.machine.path("debootstrap")) {
			return err
		}
	}
	if d.machine.path("mmdebstrap") {
		return importFrom(ctx, e, ref, s, d.machine.bootstrap(suite))
	}
	return d.makeWithDebootstrap(ctx, e, ref, suite, s)
}

// makeWithDebootstrap unpacks into a folder first: debootstrap writes no tar.
func (d *Doctor) makeWithDebootstrap(ctx context.Context, e engine.Engine, ref, suite string, s *step) error {
	dir, err := os.MkdirTemp("/var/tmp", "ebpfdev-base-")
	if err != nil {
		return api.E("make base image", ref, api.ErrEnvironment, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := d.machine.debootstrap(suite, dir).run(ctx, s); err != nil {
		return err
	}
	return importFrom(ctx, e, ref, s, cmd("tar", "--numeric-owner", "--one-file-system", "-C", dir, "-c", "."))
}

// importFrom makes an image of the tar that a command writes. What the command
// says on its error output is the progress. When it fails, the engine gets a
// torn tar and makes nothing.
func importFrom(ctx context.Context, e engine.Engine, ref string, s *step, c command) error {
	if err := s.line("$ " + c.String()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := c.process(ctx)
	tarR, tarW := io.Pipe()
	saysR, saysW := io.Pipe()
	p.Stdout, p.Stderr = tarW, saysW
	if err := p.Start(); err != nil {
		return startFault(c, err)
	}
	last := make(chan string, 1)
	go func() {
		err := p.Wait()
		_ = saysW.Close()
		// The importer must not take a torn tar for a short one.
		tarW.CloseWithError(exitFault(c, err, <-last))
	}()
	imported := make(chan error, 1)
	go func() {
		_, err := e.ImportImage(ctx, ref, map[string]string{baseLabel: baseLocal}, newHeldBack(tarR))
		// An engine that stopped reading must not leave the command writing.
		tarR.CloseWithError(io.ErrClosedPipe)
		imported <- err
	}()
	text, fnErr := s.lines(saysR)
	last <- text
	if fnErr != nil {
		cancel()
	}
	_, _ = io.Copy(io.Discard, saysR)
	err := <-imported
	if fnErr != nil {
		return fnErr
	}
	return err
}
