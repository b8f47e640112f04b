package workspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// cleanupTime is how long taking back may last after the caller gave up.
const cleanupTime = 20 * time.Second

// create builds the image, creates the container and starts it. After an error
// neither the container nor a volume that it brought is left.
func (u *upRun) create(ctx context.Context) (id string, err error) {
	if err := u.p.file.Unsupported; err != nil {
		return "", err
	}
	img, err := u.image(ctx)
	if err != nil {
		return "", err
	}
	u.checkArch(ctx, img)
	entries := u.p.file.NewMetadata(devcontainer.ParseMetadata(img.Labels[devcontainer.LabelMetadata]))
	metadata, err := devcontainer.FormatMetadata(entries)
	if err != nil {
		return "", err
	}
	m, err := u.p.file.Merge(entries, u.p.vars)
	if err != nil {
		return "", err
	}
	run, err := devcontainer.ParseRunArgs(m.RunArgs, u.w.opts.Env)
	if err != nil {
		return "", api.E("read", u.p.config, api.ErrNotSupported, err)
	}
	if img, err = u.updateUID(ctx, img, m, run.User); err != nil {
		return "", err
	}
	if m.GPU == "required" && run.GPUs == "" {
		u.warn("create", `hostRequirements asks for a GPU; add "--gpus=all" to runArgs to get one`)
	}
	spec, err := u.spec(img, m, run, metadata)
	if err != nil {
		return "", err
	}
	if u.replaced != "" {
		if err := u.e.RemoveContainer(ctx, u.replaced); err != nil {
			return "", err
		}
	}
	if u.absent, err = u.absentVolumes(ctx, spec); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			u.takeBack(ctx, id, u.absent)
			id = ""
		}
	}()
	if err := u.fillBin(ctx, spec); err != nil {
		return "", err
	}
	return u.createAndStart(ctx, spec)
}

// absentVolumes returns the volumes of a spec that are not there yet.
func (u *upRun) absentVolumes(ctx context.Context, spec engine.ContainerSpec) ([]string, error) {
	var absent []string
	for _, m := range spec.Mounts {
		if m.Type != "volume" || m.Source == "" {
			continue
		}
		_, err := u.e.InspectVolume(ctx, m.Source)
		if notExist(err) {
			absent = append(absent, m.Source)
		} else if err != nil {
			return nil, err
		}
	}
	return absent, nil
}

// takeBack removes what a failed up made. It works on when the caller's context
// has ended: that is when it matters.
func (u *upRun) takeBack(ctx context.Context, id string, volumes []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	var errs []error
	if id == "" {
		// The engine may have created it although the answer did not reach us.
		if list, err := u.e.ListContainers(ctx, u.p.labels); err == nil {
			for _, c := range list {
				if c.State == "created" {
					errs = append(errs, u.e.RemoveContainer(ctx, c.ID))
				}
			}
		}
	} else {
		errs = append(errs, u.e.RemoveContainer(ctx, id))
	}
	for _, name := range volumes {
		errs = append(errs, u.e.RemoveVolume(ctx, name))
	}
	if err := errors.Join(errs...); err != nil {
		u.warn("create", "not everything could be taken back: "+err.Error())
	}
}

// createAndStart creates the container and starts it, with as many privileges
// as the engine can grant.
func (u *upRun) createAndStart(ctx context.Context, spec engine.ContainerSpec) (string, error) {
	id, err := u.tryStart(ctx, spec)
	if !errors.Is(err, engine.ErrCapabilities) {
		return id, err
	}
	u.reporter.warn("start", "Start the container", "the engine cannot grant everything: "+err.Error())
	if id != "" {
		if err := u.e.RemoveContainer(ctx, id); err != nil {
			return id, err
		}
	}
	less, degradeErr := u.degrade(ctx, spec)
	if degradeErr != nil {
		return "", errors.Join(err, degradeErr)
	}
	return u.tryStart(ctx, less)
}

func (u *upRun) tryStart(ctx context.Context, spec engine.ContainerSpec) (string, error) {
	var id string
	err := u.step("create", "Create the container", func(*step) error {
		var err error
		id, err = u.e.CreateContainer(ctx, spec)
		return err
	})
	if err != nil {
		return "", err
	}
	err = u.step("start", "Start the container", func(*step) error { return u.e.StartContainer(ctx, id) })
	return id, err
}

// checkArch warns when the container's programs are emulated: bpf(2) is then
// called with another machine's layout and cannot work.
func (u *upRun) checkArch(ctx context.Context, img engine.Image) {
	info, err := u.e.Info(ctx)
	if err != nil || img.Arch == "" || info.Arch == "" || img.Arch == info.Arch {
		return
	}
	u.warn("image", fmt.Sprintf("the image is for %s and the engine runs on %s: it is emulated, and BPF programs cannot be loaded",
		img.Arch, info.Arch))
}
