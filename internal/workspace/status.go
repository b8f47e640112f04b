package workspace

import (
	"context"
	"os"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// Status implements api.Workspace.
func (w *Workspace) Status(ctx context.Context, req api.StatusRequest) (api.Status, error) {
	p, err := w.load(ctx, req.Folder)
	if err != nil {
		return api.Status{}, err
	}
	status := api.Status{
		Folder: p.folder, Config: p.config, Project: p.name(), State: "none", RemoteFolder: p.place.Folder,
		Framework: p.framework(),
	}
	e, err := w.connect(ctx)
	if err != nil {
		return status, err
	}
	if info, err := e.Info(ctx); err == nil {
		status.Engine = strings.TrimSpace(info.Name + " " + info.Version)
	}
	c, err := find(ctx, e, p)
	if err != nil || c == nil {
		return status, err
	}
	status.State, status.ContainerID, status.Container, status.Image = c.State, c.ID, c.Name, c.Image
	status.OOMKilled, status.ExitCode = c.OOMKilled, c.ExitCode
	if c.State == "running" {
		status.StartedAt = c.Started
	}
	if m, err := p.merged(c); err == nil {
		s := &session{p: p, c: c, m: m}
		status.RemoteUser, _ = splitUser(s.remoteUser())
	}
	for _, m := range c.Mounts {
		if m.Type == "volume" {
			status.Volumes = append(status.Volumes, m.Source)
		}
	}
	status.Changed = p.changedSince(c)
	return status, nil
}

// changedSince reports whether what the container was made from is newer.
func (p *project) changedSince(c *engine.Container) bool {
	files := []string{p.config}
	if config, err := p.file.Config(p.vars); err == nil && config.Build != nil {
		files = append(files, fromConfig(p.config, config.Build.Dockerfile))
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && !c.Created.IsZero() && info.ModTime().After(c.Created) {
			return true
		}
	}
	return false
}
