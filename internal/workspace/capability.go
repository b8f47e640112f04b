package workspace

import (
	"context"
	"slices"

	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// degrade returns a spec that asks for no more than the engine can grant.
// Instead of privileged it asks for all capabilities that exist here, and for
// everything else that privileged switches off to be switched off.
func (u *upRun) degrade(ctx context.Context, spec engine.ContainerSpec) (engine.ContainerSpec, error) {
	grantable, err := engine.Grantable(ctx, u.e, spec.Image)
	if err != nil {
		return spec, err
	}
	asked := askedCapabilities(spec.Privileged, spec.CapAdd)
	less := spec
	less.CapAdd = slices.DeleteFunc(asked, func(name string) bool { return !slices.Contains(grantable, name) })
	if spec.Privileged {
		less.Privileged = false
		less.SecurityOpt = append(slices.Clone(spec.SecurityOpt),
			"seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined", "label=disable")
		less.Devices = append(slices.Clone(spec.Devices), "*")
	}
	return less, nil
}

// askedCapabilities returns the full names of what a container asks for, in the
// kernel's order. Names may come with or without CAP_ and in lower case.
func askedCapabilities(privileged bool, add []string) []string {
	all := engine.Capabilities()
	if privileged {
		return all
	}
	return slices.DeleteFunc(all, func(name string) bool {
		return !slices.ContainsFunc(add, func(asked string) bool { return capability(asked) == name || capability(asked) == "CAP_ALL" })
	})
}
