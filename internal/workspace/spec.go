package workspace

import (
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// spec returns how the container is created: as docker run would from the
// arguments that the reference CLI passes.
func (u *upRun) spec(img engine.Image, m devcontainer.Merged, run devcontainer.Run, metadata string) (engine.ContainerSpec, error) {
	mounts, err := u.mounts(m, run)
	if err != nil {
		return engine.ContainerSpec{}, err
	}
	labels := map[string]string{}
	for _, more := range []map[string]string{run.Labels, u.p.labels, {devcontainer.LabelMetadata: metadata}} {
		for key, value := range more {
			labels[key] = value
		}
	}
	env := make([]string, 0, len(m.ContainerEnv)+len(run.Env))
	for key, value := range m.ContainerEnv {
		env = append(env, key+"="+value)
	}
	return engine.ContainerSpec{
		Name:        run.Name,
		Image:       u.imageRef,
		Entrypoint:  []string{"/bin/sh"},
		Cmd:         command(img, m),
		Env:         append(env, run.Env...),
		User:        firstOf(run.User, m.ContainerUser),
		WorkingDir:  run.WorkingDir,
		Hostname:    run.Hostname,
		Labels:      labels,
		Mounts:      mounts,
		Privileged:  m.Privileged || run.Privileged,
		CapAdd:      append(run.CapAdd, m.CapAdd...),
		CapDrop:     run.CapDrop,
		SecurityOpt: append(run.SecurityOpt, m.SecurityOpt...),
		Devices:     run.Devices,
		PIDMode:     run.PIDMode,
		NetworkMode: run.NetworkMode,
		IPCMode:     run.IPCMode,
		CgroupNS:    run.CgroupNS,
		UsernsMode:  run.UsernsMode,
		Runtime:     run.Runtime,
		Init:        m.Init || run.Init,
		ShmSize:     run.ShmSize,
		Tmpfs:       run.Tmpfs,
		Sysctls:     run.Sysctls,
		Ulimits:     run.Ulimits,
		ExtraHosts:  run.ExtraHosts,
		DNS:         run.DNS,
		GroupAdd:    run.GroupAdd,
		Ports:       append(run.Ports, m.AppPorts...),
		GPUs:        run.GPUs,
		AutoRemove:  run.AutoRemove,
	}, nil
}

// command keeps the container alive after it has run what the image or its
// Features start. The image's own command runs only when overrideCommand is false.
func command(img engine.Image, m devcontainer.Merged) []string {
	lines := []string{"echo Container started", `trap "exit 0" 15`}
	lines = append(lines, m.Entrypoints...)
	lines = append(lines, `exec "$@"`, "while sleep 1 & wait $!; do :; done")
	cmd := []string{"-c", strings.Join(lines, "\n"), "-"}
	if m.OverrideCommand != nil && !*m.OverrideCommand {
		cmd = append(append(cmd, img.Entrypoint...), img.Cmd...)
	}
	return cmd
}

// mounts returns the workspace's mount and the configuration's. Volumes that are
// this workspace's alone get a label, so that down finds them.
func (u *upRun) mounts(m devcontainer.Merged, run devcontainer.Run) ([]engine.Mount, error) {
	var all []devcontainer.Mount
	if u.p.place.Mount != "" {
		workspace, err := devcontainer.ParseMount(u.p.place.Mount)
		if err != nil {
			return nil, api.E("read", u.p.config, api.ErrUsage, err)
		}
		all = append(all, workspace)
	}
	all = append(append(all, m.Mounts...), run.Mounts...)
	mounts := make([]engine.Mount, 0, len(all))
	for _, mount := range all {
		labels := mount.Labels
		if u.p.owns(mount.Type, mount.Source) {
			labels = map[string]string{labelWorkspace: u.p.id}
			for key, value := range mount.Labels {
				labels[key] = value
			}
		}
		mounts = append(mounts, engine.Mount{
			Type: mount.Type, Source: mount.Source, Target: mount.Target, ReadOnly: mount.ReadOnly,
			Consistency: mount.Consistency, Propagation: mount.Propagation, VolumeOpts: mount.VolumeOpts,
			Labels: labels, NoCopy: mount.NoCopy, TmpfsSize: mount.TmpfsSize,
		})
	}
	return mounts, nil
}

// owns reports whether a volume is this workspace's alone: its name carries the
// ${devcontainerId}. Others may be shared by a person's choice and are kept.
func (p *project) owns(kind, name string) bool {
	return kind == "volume" && strings.Contains(name, p.id)
}
