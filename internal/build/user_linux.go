package build

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// buildUser is who runs a build, and with which environment.
type buildUser struct {
	env        []string
	credential *syscall.Credential // nil for ourselves
	passing    string              // a home for this build only, or empty
}

// leave removes what was made for this build only.
func (u buildUser) leave() {
	if u.passing != "" {
		_ = os.RemoveAll(u.passing) // what stays is in a folder for temporary files
	}
}

// userOf returns who builds in a folder: ourselves, unless we are root and the
// folder is somebody else's.
func userOf(dir string, env []string) (buildUser, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return buildUser{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || st.Uid == 0 {
		return buildUser{env: env}, nil
	}
	uid, gid := st.Uid, st.Gid
	name, home := strconv.Itoa(int(uid)), ""
	u, err := user.LookupId(name)
	cred := &syscall.Credential{Uid: uid, Gid: gid}
	if err == nil {
		name = u.Username
		if ownedDir(u.HomeDir, uid) {
			home = u.HomeDir
		}
		cred.Groups = groups(u)
	}
	who := buildUser{credential: cred}
	if home == "" {
		var lasting bool
		if home, lasting, err = cacheHome(uid, gid); err != nil {
			return buildUser{}, err
		}
		if !lasting {
			who.passing = home
		}
	}
	who.env = rehome(env, name, home)
	return who, nil
}

// groups returns a user's supplementary groups; none when they cannot be read.
func groups(u *user.User) []uint32 {
	ids, err := u.GroupIds()
	if err != nil {
		return nil
	}
	var gids []uint32
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			gids = append(gids, uint32(n))
		}
	}
	return gids
}

// ownedDir reports whether a path is a user's own folder, and no link.
func ownedDir(path string, uid uint32) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == uid
}

// cacheHome returns a home for a user who has none. It lasts, so that caches of
// compilers stay there between builds; but anybody may write to /var/tmp, and
// where another user has put something in the place, a new one is made.
func cacheHome(uid, gid uint32) (path string, lasting bool, err error) {
	path = filepath.Join("/var/tmp", "ebpfdev-home-"+strconv.Itoa(int(uid)))
	if err := os.Mkdir(path, 0o700); err == nil {
		return path, true, os.Lchown(path, int(uid), int(gid))
	}
	info, err := os.Lstat(path)
	if err == nil && info.Mode().Perm()&0o022 == 0 && ownedDir(path, uid) {
		return path, true, nil
	}
	path, err = os.MkdirTemp("/var/tmp", "ebpfdev-home-")
	if err != nil {
		return "", false, err
	}
	return path, false, os.Lchown(path, int(uid), int(gid))
}

// rehome returns the environment for another user: what points into the old
// home would not be writable, or would not be found.
func rehome(env []string, name, home string) []string {
	old := lookupEnv(env, "HOME")
	var out []string
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		switch {
		case k == "HOME", k == "USER", k == "LOGNAME", k == "XDG_RUNTIME_DIR", k == "MAIL":
		case old != "" && old != "/" && k != "PATH" && (v == old || strings.HasPrefix(v, old+"/")):
		default:
			out = append(out, kv)
		}
	}
	return append(out, "HOME="+home, "USER="+name, "LOGNAME="+name)
}

// prepare makes the step a process group of its own, run by its user.
func prepare(cmd *exec.Cmd, u buildUser) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: u.credential}
}

// group is every process of a step. The leader is reaped under the lock, so that
// no signal can reach a stranger who got its number.
type group struct {
	cmd    *exec.Cmd
	mu     sync.Mutex
	reaped bool
}

// wait waits for the leader to end and kills what it left behind.
func (g *group) wait() {
	for {
		err := unix.Waitid(unix.P_PID, g.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	g.signal(unix.SIGKILL)
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.cmd.Wait() // the process state says more
	g.reaped = true
}

// terminate asks the processes to end.
func (g *group) terminate() { g.signal(unix.SIGTERM) }

// kill ends them.
func (g *group) kill() { g.signal(unix.SIGKILL) }

func (g *group) signal(sig syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.reaped {
		_ = unix.Kill(-g.cmd.Process.Pid, sig) // nobody left is no error
	}
}

// exitCode is the process's, 128+n when a signal ended it.
func exitCode(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}

func runnable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }
