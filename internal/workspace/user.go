package workspace

import (
	"context"
	"crypto/rand"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// probeTime is how long a user's shell may take to start, as in the reference.
const probeTime = 10 * time.Second

// userInfo is a user of the container and the environment of their shell.
type userInfo struct {
	Name  string            `json:"name"`
	GID   string            `json:"gid"`
	Home  string            `json:"home"`
	Shell string            `json:"shell"`
	Env   map[string]string `json:"env"` // what the login shell has; empty without a probe
}

// user returns what is known of a user, asking the container when nothing is.
func (s *session) user(ctx context.Context, user string) (userInfo, error) {
	key := user + " " + s.m.UserEnvProbe
	if info, ok := s.cache.Users[key]; ok {
		return info, nil
	}
	info, err := s.lookupUser(ctx, user)
	if err != nil {
		return info, err
	}
	if info.Env, err = s.probeEnv(ctx, user, info); err != nil {
		return info, err
	}
	if s.cache.Users == nil {
		s.cache.Users = map[string]userInfo{}
	}
	s.cache.Users[key] = info
	s.w.saveCache(s.p, s.cache)
	return info, nil
}

// lookupUser reads the user's line of the password database. A user that is not
// in it is taken as it is, with /bin/sh.
func (s *session) lookupUser(ctx context.Context, user string) (userInfo, error) {
	name, _ := splitUser(user)
	env := envMap(s.c.Env)
	info := userInfo{Name: name, Home: "/root", Shell: "/bin/sh"}
	script := "name=" + shell.Quote(name) + `
line=$(getent passwd "$name" 2>/dev/null)
[ -n "$line" ] || while IFS= read -r l; do
	case $l in "$name":*|*:*:"$name":*) line=$l; break;; esac
done </etc/passwd
printf '%s\n' "$line"
[ -z "$HOME_ASKED" ] || { [ ! -e "$HOME_ASKED" ] || [ -w "$HOME_ASKED" ]; } && echo writable`
	spec := engine.ExecSpec{Cmd: []string{"/bin/sh", "-c", script}, User: user, Env: []string{"HOME_ASKED=" + env["HOME"]}}
	out, errOut, code, err := s.output(ctx, spec, nil)
	if err != nil {
		return info, err
	}
	line, rest, found := strings.Cut(out, "\n")
	if !found && code != 0 {
		return info, api.Errorf("exec in container", s.c.Name, api.ErrFailed,
			"user "+user+": "+strings.TrimSpace(firstOf(errOut, out)))
	}
	uid := ""
	if fields := strings.Split(line, ":"); len(fields) >= 7 {
		uid, info.GID = fields[2], fields[3]
		info.Home = firstOf(fields[5], info.Home)
		info.Shell = firstOf(fields[6], info.Shell)
	}
	info.Shell = firstOf(env["SHELL"], info.Shell)
	if home := env["HOME"]; home != "" && (uid == "0" || strings.Contains(rest, "writable")) {
		info.Home = home
	}
	return info, nil
}

// probeEnv returns the environment that the user's shell has once it read its
// start files, as userEnvProbe asks. A shell that hangs or fails costs the
// environment, not the command.
func (s *session) probeEnv(ctx context.Context, user string, info userInfo) (map[string]string, error) {
	flag := ""
	switch firstOf(s.m.UserEnvProbe, "loginInteractiveShell") {
	case "none":
		return map[string]string{}, nil
	case "loginShell":
		flag = "-lc"
	case "interactiveShell":
		flag = "-ic"
	default:
		flag = "-lic"
	}
	mark := rand.Text()
	script := "echo -n " + mark + "; cat /proc/self/environ; echo -n " + mark
	cmd := []string{info.Shell, flag, script}
	if name := path.Base(info.Shell); name == "pwsh" || name == "pwsh-preview" {
		cmd = []string{info.Shell, "-Login", "-Command", script}
	}
	limited, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	out, _, _, err := s.output(limited, engine.ExecSpec{Cmd: cmd, User: user}, nil)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	env := map[string]string{}
	if parts := strings.Split(out, mark); len(parts) >= 3 {
		env = envMap(strings.Split(parts[1], "\x00"))
	}
	delete(env, "PWD")
	return env, nil
}

// env returns a command's environment: the shell's, remoteEnv over it, and what
// the request adds, sorted by name.
func (s *session) env(info userInfo, added []string) []string {
	env := make(map[string]string, len(info.Env)+len(s.m.RemoteEnv)+len(added))
	for key, value := range info.Env {
		env[key] = value
	}
	for key, value := range s.m.RemoteEnv {
		if value == nil {
			delete(env, key)
			continue
		}
		env[key] = *value
	}
	for key, value := range envMap(added) {
		env[key] = value
	}
	list := make([]string, 0, len(env))
	for key, value := range env {
		list = append(list, key+"="+value)
	}
	slices.Sort(list)
	return list
}
