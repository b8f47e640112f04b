package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// checkPermission asks whether this very process may load programs. Where a
// container loads them, it is the container's capabilities that count.
func (x *examination) checkPermission(context.Context) []api.Check {
	local := x.target == api.TargetLocal
	here := local || x.inside() || x.doctor.opts.Engine == nil
	if !here || x.kernelErr != nil || slices.ContainsFunc(x.kernel.Unknown, func(u api.UnknownFact) bool { return u.Name == "caps" }) {
		return nil
	}
	fix := "sudo ebpfdev run"
	if local {
		fix += " --target local"
	}
	return []api.Check{permissionCheck(x.kernel.Caps, fix)}
}

// permissionCheck reads effective capabilities; CAP_SYS_ADMIN stands for all
// that bpf(2) asks for.
func permissionCheck(caps []string, fix string) api.Check {
	const id, title = "permission", "Permission to load"
	const why = "the kernel loads programs only for who has CAP_BPF or CAP_SYS_ADMIN"
	has := func(name string) bool { return slices.Contains(caps, name) }
	switch {
	case has("CAP_SYS_ADMIN"):
		return ok(id, title, "CAP_SYS_ADMIN", why)
	case !has("CAP_BPF"):
		return fail(id, title, "neither CAP_BPF nor CAP_SYS_ADMIN", why, fix)
	}
	var lacks []string
	for _, name := range []string{"CAP_PERFMON", "CAP_NET_ADMIN"} {
		if !has(name) {
			lacks = append(lacks, name)
		}
	}
	if len(lacks) > 0 {
		return warn(id, title, "CAP_BPF without "+strings.Join(lacks, " and "), "tracing programs need CAP_PERFMON too, network programs CAP_NET_ADMIN", fix)
	}
	return ok(id, title, "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN", why)
}
