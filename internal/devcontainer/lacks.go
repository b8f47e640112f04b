package devcontainer

import (
	"slices"
	"strings"
)

// Lacks says what programs could not do in the container that the file describes,
// each with what to add. What its image, its Features or a compose file bring is
// not seen.
func (f *File) Lacks() []string {
	config, err := f.Config(Variables{})
	if err != nil {
		return nil
	}
	var lacks []string
	args := strings.Join(config.RunArgs, " ")
	capable := slices.ContainsFunc(config.CapAdd, func(c string) bool {
		return slices.Contains([]string{"ALL", "SYS_ADMIN", "BPF"}, strings.TrimPrefix(strings.ToUpper(c), "CAP_"))
	})
	if !config.Privileged && !capable && !strings.Contains(args, "--privileged") && !strings.Contains(args, "--cap-add") {
		lacks = append(lacks, `it may not load programs: add "privileged": true`)
	}
	for _, m := range []struct{ target, why, volume, fstype string }{
		{"/sys/fs/bpf", "pins need bpffs", "ebpfdev-bpffs", "bpf"},
		{"/sys/kernel/tracing", "tracepoints need tracefs", "ebpfdev-tracefs", "tracefs"},
	} {
		mounted := slices.ContainsFunc(config.Mounts, func(have Mount) bool {
			return have.Target == m.target || have.Target == "/sys" || m.target == "/sys/kernel/tracing" && have.Target == "/sys/kernel/debug"
		})
		if !mounted && !strings.Contains(args, m.target) {
			lacks = append(lacks, m.why+`: add to "mounts": "type=volume,source=`+m.volume+`-${devcontainerId},target=`+m.target+
				`,volume-opt=type=`+m.fstype+`,volume-opt=device=`+m.fstype+`"`)
		}
	}
	return lacks
}
