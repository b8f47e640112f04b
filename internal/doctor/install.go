package doctor

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// How long an engine may take to answer after it was started: through its init
// system, which may well have failed quietly, and by itself.
const (
	initTimeout = 20 * time.Second
	bareTimeout = 90 * time.Second
)

// apt returns an apt-get command that asks nothing.
func apt(args ...string) command {
	return command{env: []string{"DEBIAN_FRONTEND=noninteractive"}, argv: append([]string{"apt-get"}, args...)}
}

// installEngine installs Docker Engine from the distribution. Its own
// dependencies bring containerd, runc and iptables; git and the command line
// are not needed.
func installEngine() []command {
	return []command{
		apt("update"),
		apt("install", "-y", "--no-install-recommends", "docker.io", "iptables", "ca-certificates"),
	}
}

func startSystemd() command { return cmd("systemctl", "enable", "--now", "docker") }

// applyEngine installs the engine when it is not there and starts it in the
// first way that works: systemd, the sysv script, by itself.
func (d *Doctor) applyEngine(ctx context.Context, s *step) error {
	if d.opts.Engine == nil {
		return api.Errorf("start engine", "", api.ErrUsage, "this machine is used without one")
	}
	if d.answers(ctx) {
		return s.report(api.StepSkipped, "an engine answers already")
	}
	if !d.machine.systemd {
		// Before the installation, which may start the engine by itself.
		if err := prepareCgroups(ctx, s); err != nil {
			return err
		}
	}
	if !d.machine.path("dockerd") {
		if err := runAll(ctx, s, installEngine()); err != nil {
			return err
		}
		// The package may have started it; an installation that started nothing
		// is found out at once, because the socket is not there.
		if d.answers(ctx) {
			return nil
		}
	}
	if d.machine.systemd {
		if err := startSystemd().run(ctx, s); err != nil {
			return err
		}
		return d.await(ctx, s, bareTimeout, nil)
	}
	started, err := d.startSysv(ctx, s)
	if err != nil || started {
		return err
	}
	return d.startBare(ctx, s)
}

// runAll runs commands until one fails. A list of packages that could not be
// fetched anew is no failure: what is there may do.
func runAll(ctx context.Context, s *step, commands []command) error {
	for _, c := range commands {
		run := c.run
		if c.argv[len(c.argv)-1] == "update" {
			run = c.try
		}
		if err := run(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// startSysv tries the package's init script. It fails on machines that cannot
// raise limits; then the engine is started without it.
func (d *Doctor) startSysv(ctx context.Context, s *step) (bool, error) {
	if _, err := os.Stat("/etc/init.d/docker"); err != nil || !d.machine.path("service") {
		return false, nil
	}
	err := cmd("service", "docker", "start").run(ctx, s)
	if err == nil {
		err = d.await(ctx, s, initTimeout, nil)
	}
	if err == nil {
		return true, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	// It may have left an engine that is about to give up.
	_ = cmd("service", "docker", "stop").run(ctx, s)
	return false, s.report(api.StepWarning, "the init script did not start it: "+err.Error())
}

// answers reports whether an engine can be used.
func (d *Doctor) answers(ctx context.Context) bool {
	e, err := d.opts.Engine(ctx)
	if err != nil {
		return false
	}
	_ = e.Close()
	return true
}

// await polls until the engine answers. ended, when given, yields once its
// process has.
func (d *Doctor) await(ctx context.Context, s *step, limit time.Duration, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := s.line("waiting for the engine to answer"); err != nil {
		return err
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if d.answers(ctx) {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-ended:
			cause := "the engine ended"
			if err != nil {
				cause += ": " + err.Error()
			}
			return api.Errorf("start engine", "", api.ErrEnvironment, cause+logTail(engineLog)).WithHint("tail " + engineLog)
		case <-ctx.Done():
			return api.Errorf("start engine", "", api.ErrTimeout, "no answer within "+limit.String()).WithHint("tail " + engineLog)
		}
	}
}

// logTail returns the last lines of a log, to be put after a cause.
func logTail(path string) string {
	raw, err := fs.ReadFile(os.DirFS("/"), strings.TrimPrefix(path, "/"))
	if err != nil || len(raw) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) > 3 {
		lines = lines[len(lines)-3:]
	}
	return " (" + strings.Join(lines, " | ") + ")"
}
