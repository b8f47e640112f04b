package workspace

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/remote"
)

const (
	// settleContainer is for how long an engine may say that a container runs
	// after it has killed what ran in it.
	settleContainer = 600 * time.Millisecond
	// pauseCheck is how often a session looks whether its container is paused.
	pauseCheck = 1500 * time.Millisecond
)

// whyEnded says why something that ran in the container has ended, nil when
// the container is as it was: then it ended by itself.
func (s *session) whyEnded(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	settled := time.After(settleContainer)
	for {
		// A container that stopped may be about to be removed or started again.
		var stopped error
		c, err := s.e.InspectContainer(ctx, s.c.ID)
		switch {
		case notExist(err), err == nil && c.State == "removing":
			return taken("the container was removed", "ebpfdev up")
		case err != nil:
			return err
		case c.State == "paused":
			return taken("the container is paused", "docker unpause "+c.Name)
		case c.StartedRaw != s.c.StartedRaw:
			return taken("the container was restarted", "ebpfdev up")
		case c.State != "running" && c.OOMKilled:
			return taken("the container ran out of memory and was killed", "ebpfdev up")
		case c.State != "running":
			stopped = taken("the container was stopped", "ebpfdev up")
		}
		select {
		case <-settled:
			return stopped
		case <-time.After(settleContainer / 20):
		}
	}
}

func taken(cause, hint string) error {
	return api.Errorf("", "", api.ErrUnreachable, cause).WithHint(hint)
}

// stdio is an agent's input and output as one connection. Its end says why the
// container took the agent with it, when that is what happened.
type stdio struct {
	engine.Process
	ctx    context.Context // outlives the call that opened it
	s      *session
	closed atomic.Bool
}

func (c *stdio) Read(p []byte) (int, error) {
	n, err := c.Stdout().Read(p)
	if err != nil && n == 0 && !c.closed.Load() {
		if why := c.s.whyEnded(c.ctx); why != nil {
			err = why
		}
	}
	return n, err
}

func (c *stdio) Write(p []byte) (int, error) { return c.Stdin().Write(p) }

// Close ends the agent.
func (c *stdio) Close() error {
	c.closed.Store(true)
	return c.Process.Close()
}

var _ io.ReadWriteCloser = (*stdio)(nil)

// watchPause ends the connection once the container was seen paused twice: a
// short pause, as for a commit, is none. The engine says nothing of it, and what
// waits for an answer would wait for ever.
func (c *stdio) watchPause(client *remote.Client) {
	ticker := time.NewTicker(pauseCheck)
	defer ticker.Stop()
	for seen := 0; seen < 2; {
		select {
		case <-client.Done():
			return
		case <-ticker.C:
		}
		if found, err := c.s.e.InspectContainer(c.ctx, c.s.c.ID); err == nil && found.State == "paused" {
			seen++
		} else {
			seen = 0
		}
	}
	_ = c.Process.Close()
}
