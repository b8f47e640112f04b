package workspace

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// find returns the workspace's container, nil when there is none: the newest
// with both labels, else the newest that has only the folder's (older tools).
// The project takes on the identity of the one found.
func find(ctx context.Context, e engine.Engine, p *project) (*engine.Container, error) {
	list, err := e.ListContainers(ctx, p.labels)
	if err != nil {
		return nil, err
	}
	if c := newest(list); c != nil {
		return inspect(ctx, e, c.ID)
	}
	legacy := map[string]string{devcontainer.LabelFolder: p.labels[devcontainer.LabelFolder]}
	if list, err = e.ListContainers(ctx, legacy); err != nil {
		return nil, err
	}
	c := newest(list)
	if c == nil || c.Labels[devcontainer.LabelConfig] != "" {
		return nil, nil
	}
	p.identify(legacy)
	return inspect(ctx, e, c.ID)
}

func newest(list []engine.Container) *engine.Container {
	for i := range list {
		if list[i].State != "removing" {
			return &list[i]
		}
	}
	return nil
}

// inspect returns a container, nil when it was removed since it was listed.
func inspect(ctx context.Context, e engine.Engine, id string) (*engine.Container, error) {
	c, err := e.InspectContainer(ctx, id)
	if notExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// running finds a container that runs.
func (w *Workspace) running(ctx context.Context, e engine.Engine, op string, p *project) (*engine.Container, error) {
	c, err := find(ctx, e, p)
	if err != nil {
		return nil, err
	}
	switch {
	case c == nil:
		return nil, errNoContainer(op, p.folder)
	case c.State == "paused":
		return nil, api.Errorf(op, c.Name, api.ErrEnvironment, "the container is paused").
			WithHint("docker unpause " + c.Name)
	case c.State != "running":
		cause := "the container is not running"
		if c.OOMKilled {
			cause = "the container ran out of memory and was killed"
		}
		return nil, api.Errorf(op, c.Name, api.ErrEnvironment, cause).WithHint("ebpfdev up")
	}
	return c, nil
}

// merged returns the configuration that holds for a container that is there.
func (p *project) merged(c *engine.Container) (devcontainer.Merged, error) {
	vars := p.vars
	vars.ContainerEnv = envMap(c.Env)
	return p.file.Merge(p.file.ContainerMetadata(c.Labels[devcontainer.LabelMetadata]), vars)
}
