package workspace

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// Down implements api.Workspace. It removes every container with the workspace's
// labels, the volumes that are the workspace's alone (their names carry its
// ${devcontainerId}, or they have our label) and, with All, the images. Volumes
// that a person named to share them between projects stay.
func (w *Workspace) Down(ctx context.Context, req api.DownRequest) (api.DownResult, error) {
	p, err := w.load(ctx, req.Folder)
	if err == nil {
		return w.down(ctx, p, req.All)
	}
	// The configuration may be broken or gone, with its folder: what was made
	// from it is still found by its labels.
	result, downErr := w.downByLabels(ctx, req)
	if len(result.Removed) > 0 || downErr != nil {
		return result, downErr
	}
	return result, err
}

func (w *Workspace) downByLabels(ctx context.Context, req api.DownRequest) (api.DownResult, error) {
	var result api.DownResult
	folder, err := resolveFolder(req.Folder)
	if err != nil {
		return result, err
	}
	e, err := w.connect(ctx)
	if err != nil {
		return result, err
	}
	list, err := e.ListContainers(ctx, map[string]string{devcontainer.LabelFolder: labelPath(folder)})
	if err != nil {
		return result, err
	}
	configs := []string{filepath.Join(folder, ".devcontainer", "devcontainer.json")}
	for _, c := range list {
		if config := c.Labels[devcontainer.LabelConfig]; config != "" {
			configs = append(configs, config)
		}
	}
	slices.Sort(configs)
	for _, config := range slices.Compact(configs) {
		p := &project{folder: folder, config: config}
		p.identify(devcontainer.IDLabels(labelPath(folder), labelPath(config)))
		one, err := w.down(ctx, p, req.All)
		result.Removed = append(result.Removed, one.Removed...)
		if err != nil {
			return result, err
		}
	}
	return result, nil
}

// down removes what belongs to one configuration; its file may be unknown.
func (w *Workspace) down(ctx context.Context, p *project, all bool) (api.DownResult, error) {
	lock, err := w.lock(ctx, p, func() {})
	if err != nil {
		return api.DownResult{}, err
	}
	defer lock.release()
	e, err := w.connect(ctx)
	if err != nil {
		return api.DownResult{}, err
	}
	if err := lock.settle(ctx, e, p); err != nil {
		return api.DownResult{}, err
	}
	d := &downRun{w: w, e: e, p: p}
	if err := d.run(ctx, all); err != nil {
		return d.result, err
	}
	return d.result, w.forget(p)
}

// downRun is one run of Down.
type downRun struct {
	w      *Workspace
	e      engine.Engine
	p      *project
	swept  bool
	result api.DownResult
}

func (d *downRun) run(ctx context.Context, all bool) error {
	if err := d.containersAndVolumes(ctx); err != nil {
		return err
	}
	if err := removeScratch(ctx, d.e); err != nil {
		return err
	}
	if all {
		return d.images(ctx)
	}
	return nil
}

// containersAndVolumes removes both. A run that was killed may have asked the
// engine for a container that it makes only now, and whose volumes are then in
// use: it is looked for again, for a while.
func (d *downRun) containersAndVolumes(ctx context.Context) error {
	ticker := time.NewTicker(2 * lockRetry)
	defer ticker.Stop()
	for began := time.Now(); ; {
		volumes, err := d.containers(ctx)
		if err != nil {
			return err
		}
		err = d.volumes(ctx, volumes)
		if api.KindOf(err) != api.ErrConflict || time.Since(began) > cleanupTime {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// containers removes the workspace's containers and returns the volumes of its
// own that they had mounted.
func (d *downRun) containers(ctx context.Context) ([]string, error) {
	found, err := find(ctx, d.e, d.p)
	if err != nil {
		return nil, err
	}
	list, err := d.e.ListContainers(ctx, d.p.labels)
	if err != nil {
		return nil, err
	}
	left, err := d.e.ListContainers(ctx, map[string]string{labelWorkspace: d.p.id})
	if err != nil {
		return nil, err
	}
	if found != nil {
		list = append(list, *found)
	}
	var volumes, seen []string
	for _, c := range append(list, left...) {
		if slices.Contains(seen, c.ID) || !d.mine(c) {
			continue
		}
		seen = append(seen, c.ID)
		for _, m := range c.Mounts {
			if d.p.owns(m.Type, m.Source) {
				volumes = append(volumes, m.Source)
			}
		}
		if err := d.e.RemoveContainer(ctx, c.ID); err != nil {
			return nil, err
		}
		d.removed("container " + firstOf(c.Name, c.ID))
	}
	return volumes, nil
}

// mine tells a container of this configuration from one of another in the same
// folder, which the labels of older tools cannot tell apart.
func (d *downRun) mine(c engine.Container) bool {
	config := c.Labels[devcontainer.LabelConfig]
	return config == "" || config == labelPath(d.p.config)
}

// volumes removes those given, those labelled, and those that the configuration
// names for this workspace.
func (d *downRun) volumes(ctx context.Context, names []string) error {
	labelled, err := d.e.ListVolumes(ctx, map[string]string{labelWorkspace: d.p.id})
	if err != nil {
		return err
	}
	for _, v := range labelled {
		names = append(names, v.Name)
	}
	names = append(names, d.p.ownVolumes()...)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		volume, err := d.e.InspectVolume(ctx, name)
		if notExist(err) {
			continue
		}
		if err == nil && volume.Options["type"] == "tracefs" && !d.swept {
			d.sweep(ctx, name)
			d.swept = true
		}
		if err := d.e.RemoveVolume(ctx, name); err != nil {
			return err
		}
		d.removed("volume " + name)
	}
	return nil
}

// ownVolumes returns the volumes that the configuration names for this
// workspace alone.
func (p *project) ownVolumes() []string {
	if p.file == nil {
		return nil
	}
	config, err := p.file.Config(p.vars)
	if err != nil {
		return nil
	}
	var names []string
	for _, m := range config.Mounts {
		if p.owns(m.Type, m.Source) {
			names = append(names, m.Source)
		}
	}
	return names
}

// images removes the images that were built for the workspace.
func (d *downRun) images(ctx context.Context) error {
	base := devcontainer.ImageName(d.p.folder)
	for _, name := range []string{base + "-uid", base + "-features", base} {
		if _, err := d.e.InspectImage(ctx, name); notExist(err) || errors.Is(err, api.ErrInvalid) {
			continue // not there, or the folder's name is too long for an image's
		} else if err != nil {
			return err
		}
		if err := d.e.RemoveImage(ctx, name); err != nil {
			return err
		}
		d.removed("image " + name)
	}
	return nil
}

func (d *downRun) removed(what string) { d.result.Removed = append(d.result.Removed, what) }
