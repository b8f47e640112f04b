package docker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// StartContainer starts a container; one that runs is no error.
func (e *Engine) StartContainer(ctx context.Context, id string) error {
	_, err := e.api.ContainerStart(ctx, id, client.ContainerStartOptions{})
	return e.fault(ctx, "start container", short(id), err)
}

// RemoveContainer kills and removes a container and its anonymous volumes.
func (e *Engine) RemoveContainer(ctx context.Context, id string) error {
	_, err := e.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	switch {
	case errdefs.IsNotFound(err):
		return nil
	case errdefs.IsConflict(err) && strings.Contains(err.Error(), "already in progress"):
		return e.waitRemoved(ctx, id)
	default:
		return e.fault(ctx, "remove container", short(id), err)
	}
}

// waitRemoved returns once a container that somebody else removes is gone.
func (e *Engine) waitRemoved(ctx context.Context, id string) error {
	res := e.api.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
	select {
	case <-res.Result:
		return nil
	case err := <-res.Error:
		if errdefs.IsNotFound(err) {
			return nil
		}
		return e.fault(ctx, "remove container", short(id), err)
	}
}

// InspectContainer returns a container.
func (e *Engine) InspectContainer(ctx context.Context, id string) (engine.Container, error) {
	res, err := e.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return engine.Container{}, e.fault(ctx, "inspect container", short(id), err)
	}
	return containerOf(res.Container), nil
}

// ListContainers returns the containers that have every label, newest first. One
// that vanishes while it is read is left out.
func (e *Engine) ListContainers(ctx context.Context, labels map[string]string) ([]engine.Container, error) {
	res, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: labelFilters(labels)})
	if err != nil {
		return nil, e.fault(ctx, "list containers", "", err)
	}
	list := make([]engine.Container, 0, len(res.Items))
	for _, item := range res.Items {
		// The list knows seconds only, too coarse to tell the newest.
		c, err := e.InspectContainer(ctx, item.ID)
		if api.KindOf(err) == api.ErrNotExist {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b engine.Container) int { return b.Created.Compare(a.Created) })
	return list, nil
}

// WaitContainer returns the exit code of a container once it does not run. When
// the context ends the client says so: one that came with the answer at that
// moment would wait for ever to be heard.
func (e *Engine) WaitContainer(ctx context.Context, id string) (int, error) {
	res := e.api.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case r := <-res.Result:
		if r.Error != nil && r.Error.Message != "" {
			return 0, api.Errorf("wait for container", short(id), api.ErrFailed, r.Error.Message)
		}
		return int(r.StatusCode), nil
	case err := <-res.Error:
		return 0, e.fault(ctx, "wait for container", short(id), err)
	}
}

// containerOf fills in what the engine tells; fields that an engine leaves out
// stay empty.
func containerOf(c container.InspectResponse) engine.Container {
	out := engine.Container{
		ID:         c.ID,
		Name:       strings.TrimPrefix(c.Name, "/"),
		CreatedRaw: c.Created,
		Created:    parseTime(c.Created),
	}
	if cfg := c.Config; cfg != nil {
		out.Image, out.Labels, out.Env, out.User = cfg.Image, cfg.Labels, cfg.Env, cfg.User
	}
	if s := c.State; s != nil {
		out.State = string(s.Status)
		out.ExitCode, out.OOMKilled = s.ExitCode, s.OOMKilled
		out.StartedRaw, out.Started = s.StartedAt, parseTime(s.StartedAt)
	}
	if h := c.HostConfig; h != nil {
		out.Privileged, out.CapAdd, out.PIDMode = h.Privileged, h.CapAdd, string(h.PidMode)
	}
	for _, m := range c.Mounts {
		mount := engine.Mount{
			Type: string(m.Type), Source: m.Source, Target: m.Destination,
			ReadOnly: !m.RW, Propagation: string(m.Propagation),
		}
		if m.Name != "" {
			mount.Source = m.Name
		}
		out.Mounts = append(out.Mounts, mount)
	}
	return out
}

// parseTime reads the engine's time; its zero time is ours.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

// short is how people see container ids; names stay whole.
func short(id string) string {
	const hexDigits = "0123456789abcdef"
	if len(id) == 64 && strings.Trim(id, hexDigits) == "" {
		return id[:12]
	}
	return id
}
