package workspace

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// magics are the file systems that a volume may claim to be, and what statfs
// says of them (linux/magic.h).
func magics() map[string]string {
	return map[string]string{
		"bpf": "cafe4a11", "tracefs": "74726163", "debugfs": "64626720", "cgroup2": "63677270",
		"sysfs": "62656572", "securityfs": "73636673", "proc": "9fa0", "tmpfs": "1021994",
	}
}

// check looks at the container as its root, once per start: which capabilities
// it has and whether its volumes are what the configuration says. With the same
// command it makes the two changes to /etc that the reference makes, with the
// same markers, so that login shells keep the image's environment.
func (u *upRun) check(ctx context.Context, s *session) error {
	if !s.cache.Checked {
		out, err := s.shell(ctx, "root", s.checkScript())
		if err != nil {
			return err
		}
		s.cache.Missing, s.cache.Warnings = s.readCheck(out)
		s.cache.Checked = true
	}
	u.result.Missing = s.cache.Missing
	if len(s.cache.Missing) > 0 {
		u.reporter.warn("start", "Start the container", "the engine did not grant "+strings.Join(s.cache.Missing, ", ")+" (see ebpfdev doctor)")
	}
	for _, text := range s.cache.Warnings {
		u.warn("start", text)
	}
	return nil
}

func (s *session) checkScript() string {
	var b strings.Builder
	b.WriteString("echo CAP $(sed -n 's/^CapEff:[^0-9a-f]*//p' /proc/self/status) $(cat /proc/sys/kernel/cap_last_cap)\n")
	for i, m := range s.m.Mounts {
		if magics()[m.VolumeOpts["type"]] != "" {
			fmt.Fprintf(&b, "echo FS %d $(stat -f -c %%t %s)\n", i, shell.Quote(m.Target))
		}
	}
	b.WriteString("mkdir -p /var/devcontainer\nfirst() { (set -C; : >\"/var/devcontainer/.$1Marker\") 2>/dev/null; }\n")
	b.WriteString("if first patchEtcEnvironment; then cat >>/etc/environment <<'EBPFDEV_END'\n")
	for _, pair := range s.c.Env {
		if key, value, ok := strings.Cut(pair, "="); ok && !strings.Contains(value, "\n") {
			fmt.Fprintf(&b, "\n%s=\"%s\"", key, value)
		}
	}
	b.WriteString("\nEBPFDEV_END\nfi\n")
	b.WriteString(`if first patchEtcProfile; then sed -i -E 's/((^|[[:space:]])PATH=)([^$]*)$/\1${PATH:-\3}/' /etc/profile || :; fi` + "\n:\n")
	return b.String()
}

// readCheck reads what checkScript printed.
func (s *session) readCheck(out string) (missing, warnings []string) {
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 3 && fields[0] == "CAP":
			have, err := engine.ParseCapabilities(fields[1])
			last, lastErr := strconv.Atoi(fields[2])
			if err == nil && lastErr == nil {
				missing = s.missing(have, last)
			}
		case len(fields) == 3 && fields[0] == "FS":
			i, err := strconv.Atoi(fields[1])
			if err != nil || i >= len(s.m.Mounts) {
				continue
			}
			m := s.m.Mounts[i]
			if kind := m.VolumeOpts["type"]; fields[2] != magics()[kind] {
				warnings = append(warnings, fmt.Sprintf(
					"%s is not %s: an older volume named %s is mounted there; remove it with ebpfdev down",
					m.Target, kind, m.Source))
			}
		}
	}
	return missing, warnings
}

// missing returns what the configuration asks for and root does not have; last
// is the highest capability that the kernel knows.
func (s *session) missing(have []string, last int) []string {
	asked := askedCapabilities(s.m.Privileged, s.m.CapAdd)
	privileged, add := s.runArgsCapabilities()
	asked = append(asked, askedCapabilities(privileged, add)...)
	known := engine.Capabilities()
	known = known[:min(last+1, len(known))]
	var missing []string
	for _, name := range known {
		if slices.Contains(asked, name) && !slices.Contains(have, name) {
			missing = append(missing, name)
		}
	}
	return missing
}

func capability(name string) string {
	return "CAP_" + strings.TrimPrefix(strings.ToUpper(name), "CAP_")
}

// runArgsCapabilities returns what runArgs asks for.
func (s *session) runArgsCapabilities() (privileged bool, add []string) {
	run, err := devcontainer.ParseRunArgs(s.m.RunArgs, s.w.opts.Env)
	if err != nil {
		return false, nil // it was made by another tool, from options that we do not know
	}
	return run.Privileged, run.CapAdd
}
