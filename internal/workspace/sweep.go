package workspace

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// sweep removes what agents of the container left in the kernel's tracefs when
// they were killed: the instances through which they read what programs print
// outlive process, container and mount. It is done while the volume is there,
// so that a down that was interrupted does it again, in a container with
// nothing but that volume and our own binary: the workspace's may have been
// changed. That it cannot be done keeps nobody from a down; the next agent that
// reads logs does the same.
func (d *downRun) sweep(ctx context.Context, volume string) {
	if d.w.opts.Executable == "" {
		return
	}
	binary, err := d.w.binary()
	if err != nil {
		return
	}
	id, err := d.e.CreateContainer(ctx, engine.ContainerSpec{
		Image: engine.Scratch, Entrypoint: []string{"/" + binary.sum + "/ebpfdev", "agent", "sweep"}, NetworkMode: "none",
		Labels:      map[string]string{labelWorkspace: d.p.id},
		Mounts:      []engine.Mount{{Type: "volume", Source: volume, Target: "/sys/kernel/tracing"}},
		SecurityOpt: []string{"apparmor=unconfined", "label=disable"}, // else nothing below /sys is writable
	})
	if err != nil {
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		_ = d.e.RemoveContainer(ctx, id)
	}()
	archive, err := binary.tar()
	if err != nil || d.e.CopyTo(ctx, id, "/", archive) != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	if d.e.StartContainer(ctx, id) == nil {
		_, _ = d.e.WaitContainer(ctx, id)
	}
}
