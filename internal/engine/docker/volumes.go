package docker

import (
	"context"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/volume"
	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// CreateVolume makes a volume of the local driver. A volume of that name that is
// there already stays as it is.
func (e *Engine) CreateVolume(ctx context.Context, spec engine.VolumeSpec) error {
	_, err := e.api.VolumeCreate(ctx, client.VolumeCreateOptions{
		Name: spec.Name, Driver: "local", DriverOpts: spec.Options, Labels: spec.Labels,
	})
	return e.fault(ctx, "create volume", spec.Name, err)
}

// ListVolumes returns the volumes that have every label.
func (e *Engine) ListVolumes(ctx context.Context, labels map[string]string) ([]engine.Volume, error) {
	res, err := e.api.VolumeList(ctx, client.VolumeListOptions{Filters: labelFilters(labels)})
	if err != nil {
		return nil, e.fault(ctx, "list volumes", "", err)
	}
	volumes := make([]engine.Volume, len(res.Items))
	for i, v := range res.Items {
		volumes[i] = volumeOf(v)
	}
	return volumes, nil
}

// InspectVolume returns a volume.
func (e *Engine) InspectVolume(ctx context.Context, name string) (engine.Volume, error) {
	res, err := e.api.VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	if err != nil {
		return engine.Volume{}, e.fault(ctx, "inspect volume", name, err)
	}
	return volumeOf(res.Volume), nil
}

// RemoveVolume removes a volume; ErrConflict while a container has it.
func (e *Engine) RemoveVolume(ctx context.Context, name string) error {
	_, err := e.api.VolumeRemove(ctx, name, client.VolumeRemoveOptions{})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return e.fault(ctx, "remove volume", name, err)
}

func volumeOf(v volume.Volume) engine.Volume {
	return engine.Volume{Name: v.Name, Options: v.Options, Labels: v.Labels}
}

// labelFilters asks for objects that have every label; an empty value matches
// any.
func labelFilters(labels map[string]string) client.Filters {
	filters := make(client.Filters)
	for k, v := range labels {
		if v != "" {
			k += "=" + v
		}
		filters.Add("label", k)
	}
	return filters
}
