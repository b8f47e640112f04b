package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Where an engine that nobody supervises keeps what init systems care about.
const (
	engineLog     = "/var/log/dockerd.log"
	enginePIDFile = "/run/docker.pid"
)

// bareEngine starts an engine that runs its own containerd.
func bareEngine(flags []string) command {
	return cmd(append([]string{"dockerd", "--host", "unix:///var/run/docker.sock", "--pidfile", enginePIDFile}, flags...)...)
}

// startBare starts the engine in a session of its own, so that it outlives us
// and our terminal.
func (d *Doctor) startBare(ctx context.Context, s *step) error {
	flags, err := firewallFlags(ctx, s)
	if err != nil {
		return err
	}
	if err := removeStalePID(os.DirFS("/"), enginePIDFile); err != nil {
		return err
	}
	ended, err := startDetached(bareEngine(flags), engineLog)
	if err != nil {
		return err
	}
	if err := s.line("$ " + bareEngine(flags).String() + " >>" + engineLog + " &"); err != nil {
		return err
	}
	return d.await(ctx, s, bareTimeout, ended)
}

// startDetached starts a command that is not ended with us; what it prints goes
// to a log. The channel yields when it ends while we are still there.
func startDetached(c command, log string) (<-chan error, error) {
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		return nil, api.E("start", c.argv[0], api.ErrEnvironment, err)
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, api.E("start", c.argv[0], api.ErrEnvironment, err)
	}
	defer func() { _ = out.Close() }()
	p := exec.Command(c.argv[0], c.argv[1:]...)
	p.Dir, p.Stdout, p.Stderr = "/", out, out
	p.SysProcAttr = ownSession()
	if err := p.Start(); err != nil {
		return nil, startFault(c, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	return ended, nil
}

// removeStalePID removes the pid file of an engine that was killed. In a fresh
// pid namespace its number may well belong to somebody else, and the engine
// would refuse to start.
func removeStalePID(root fs.FS, path string) error {
	raw, err := fs.ReadFile(root, strings.TrimPrefix(path, "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return api.E("read", path, api.ErrEnvironment, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err == nil {
		comm, err := fs.ReadFile(root, "proc/"+strconv.Itoa(pid)+"/comm")
		if err == nil && strings.TrimSpace(string(comm)) == "dockerd" {
			return api.Errorf("start engine", "", api.ErrConflict, "dockerd runs as process "+strconv.Itoa(pid)+" and does not answer").
				WithHint("tail " + engineLog)
		}
	}
	if err := os.Remove(path); err != nil {
		return api.E("remove", path, api.ErrEnvironment, err)
	}
	return nil
}

// firewallFlags looks for an iptables that can write address translation: the
// default one, or the older interface that some kernels have alone. Without any
// the engine starts, and only containers with the host's network reach others.
func firewallFlags(ctx context.Context, s *step) ([]string, error) {
	if natWorks(ctx, "iptables") {
		return nil, nil
	}
	if natWorks(ctx, "iptables-legacy") {
		err := cmd("update-alternatives", "--set", "iptables", "/usr/sbin/iptables-legacy").run(ctx, s)
		if err == nil && natWorks(ctx, "iptables") {
			return nil, nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return []string{"--iptables=false", "--ip6tables=false"},
		s.report(api.StepWarning, "iptables cannot write address translation here: containers have a network only with --host-network")
}

func natWorks(ctx context.Context, iptables string) bool {
	return exec.CommandContext(ctx, iptables, "--wait", "5", "-t", "nat", "-L", "-n").Run() == nil
}
