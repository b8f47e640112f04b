package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// runtimeDir returns the folder for locks and caches, which only this user can
// read. Everything in it may be deleted.
func (w *Workspace) runtimeDir() (string, error) {
	dir, ok := w.opts.Env("XDG_RUNTIME_DIR")
	if ok && filepath.IsAbs(dir) {
		dir = filepath.Join(dir, "ebpfdev")
	} else {
		dir = filepath.Join(os.TempDir(), "ebpfdev-"+strconv.Itoa(os.Getuid()))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", api.E("create", dir, api.ErrEnvironment, err)
	}
	if err := checkPrivate(dir); err != nil {
		return "", api.E("use", dir, api.ErrEnvironment, err)
	}
	return dir, nil
}

// lockRetry is how often a lock that somebody else holds is tried again.
const lockRetry = 50 * time.Millisecond

// workspaceLock is held by whoever changes a workspace. It goes away with its
// process; the file's content tells that the process was about to create.
type workspaceLock struct {
	file        *os.File
	interrupted bool // who had it before was killed while it created
}

func (l *workspaceLock) begin() { _, _ = l.file.WriteAt([]byte("creating\n"), 0) }

func (l *workspaceLock) end() { _ = l.file.Truncate(0) }

func (l *workspaceLock) release() { _ = l.file.Close() }

// lock takes the workspace's lock, waiting for whoever has it.
func (w *Workspace) lock(ctx context.Context, p *project, waiting func()) (*workspaceLock, error) {
	var ticker *time.Ticker
	for missing := 0; ; {
		file, err := w.tryLock(p)
		if errors.Is(err, fs.ErrNotExist) && missing < 10 {
			missing++ // another workspace's down removed the folder just now
			continue
		}
		if err != nil {
			return nil, err
		}
		if file != nil {
			n, _ := file.ReadAt(make([]byte, 1), 0)
			return &workspaceLock{file: file, interrupted: n > 0}, nil
		}
		if ticker == nil {
			waiting()
			ticker = time.NewTicker(lockRetry)
			defer ticker.Stop()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

func (w *Workspace) tryLock(p *project) (*os.File, error) {
	dir, err := w.runtimeDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, p.id+".lock")
	file, err := tryLock(path)
	if err != nil {
		return nil, api.E("lock", path, api.ErrEnvironment, err)
	}
	return file, nil
}

// settleTime is for how long an engine must have shown nothing new after its
// client was killed: it goes on with what it was asked for.
const settleTime = time.Second

// settle waits until the engine is done with what a killed process asked for.
func (l *workspaceLock) settle(ctx context.Context, e engine.Engine, p *project) error {
	if !l.interrupted {
		return nil
	}
	ticker := time.NewTicker(2 * lockRetry)
	defer ticker.Stop()
	seen := -1
	for quiet := time.Now(); time.Since(quiet) < settleTime; {
		n := 0
		for _, labels := range []map[string]string{p.labels, {labelWorkspace: p.id}} {
			list, err := e.ListContainers(ctx, labels)
			if err != nil {
				return err
			}
			n += len(list)
		}
		if n != seen {
			seen, quiet = n, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}

// cache is what is known of a container since it started. It only saves round
// trips: another container or another start makes it void.
type cache struct {
	Container string              `json:"container"`
	Started   string              `json:"started"`
	Agent     string              `json:"agent,omitempty"`      // SHA-256 that was put in and read back
	AgentFile string              `json:"agent_file,omitempty"` // what it was read from, and when that was changed
	Checked   bool                `json:"checked,omitempty"`
	Missing   []string            `json:"missing,omitempty"`
	Warnings  []string            `json:"warnings,omitempty"`
	Users     map[string]userInfo `json:"users,omitempty"`
}

func (w *Workspace) cachePath(p *project) (string, error) {
	dir, err := w.runtimeDir()
	return filepath.Join(dir, p.id+".json"), err
}

// loadCache returns what is known of this start of a container; empty when
// nothing is.
func (w *Workspace) loadCache(p *project, id, started string) *cache {
	fresh := &cache{Container: id, Started: started}
	path, err := w.cachePath(p)
	if err != nil {
		return fresh
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fresh
	}
	var c cache
	if json.Unmarshal(data, &c) != nil || c.Container != id || c.Started != started {
		return fresh
	}
	return &c
}

// saveCache writes the cache; that it cannot be written costs only time.
func (w *Workspace) saveCache(p *project, c *cache) {
	path, err := w.cachePath(p)
	if err != nil {
		return
	}
	data, err := json.Marshal(c)
	if err != nil {
		return
	}
	temp, err := os.CreateTemp(filepath.Dir(path), p.id+".*.tmp")
	if err != nil {
		return
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
}

// scratchDir makes a folder in the runtime folder, for whoever has the lock. What
// a killed process left in it is gone.
func (w *Workspace) scratchDir(p *project) (string, error) {
	dir, err := w.runtimeDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, p.id+".tmp")
	if err := errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o700)); err != nil {
		return "", api.E("create", path, api.ErrEnvironment, err)
	}
	return path, nil
}

// forget removes a workspace's files from the runtime folder, and that with the
// last of them.
func (w *Workspace) forget(p *project) error {
	dir, err := w.runtimeDir()
	if err != nil {
		return err
	}
	matches, err := filepath.Glob(filepath.Join(dir, p.id+".*"))
	if err != nil {
		return err
	}
	for _, path := range matches {
		if err := os.RemoveAll(path); err != nil {
			return api.E("remove", path, api.ErrEnvironment, err)
		}
	}
	_ = os.Remove(dir) // stays while another workspace has something in it
	return nil
}
