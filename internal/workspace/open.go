package workspace

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	ebpf "github.com/ebpfdev/ebpfdev/internal/project"
	"github.com/ebpfdev/ebpfdev/internal/remote"
)

// Open implements api.Workspace.
func (w *Workspace) Open(ctx context.Context, req api.OpenRequest) (api.Session, error) {
	target, err := w.choose(ctx, req)
	if err != nil {
		return nil, err
	}
	settings, p, err := w.settings(ctx, req.Folder)
	if err != nil && target != api.TargetLocal {
		return nil, err
	}
	session, err := w.openTarget(ctx, target, req)
	if err != nil {
		return nil, err
	}
	folder := req.Folder
	if folder != "" {
		if folder, err = resolveFolder(folder); err != nil {
			return nil, errors.Join(err, session.Close())
		}
	}
	opened := &projectSession{Session: session, settings: settings, folder: folder}
	if p != nil {
		opened.config, opened.dockerfile = p.config, p.dockerfile()
	}
	return opened, nil
}

func (w *Workspace) openTarget(ctx context.Context, target api.TargetName, req api.OpenRequest) (api.Session, error) {
	if version, ok := target.Kernel(); ok {
		return w.openKernel(ctx, req, version)
	}
	if target == api.TargetContainer {
		return w.openContainer(ctx, req.Folder)
	}
	return w.openLocal(ctx, req)
}

func (w *Workspace) openLocal(ctx context.Context, req api.OpenRequest) (api.Session, error) {
	if w.opts.Local == nil {
		return nil, api.Errorf("open", "local", api.ErrNotSupported, "this machine's kernel cannot be used from here")
	}
	req.Target = api.TargetLocal
	return w.opts.Local(ctx, req)
}

// settings returns what a folder's configuration says for ebpfdev, and all of it;
// nothing for a folder without one. This machine's kernel can be used without.
func (w *Workspace) settings(ctx context.Context, folder string) (ebpf.Settings, *project, error) {
	if folder == "" {
		return ebpf.Settings{}, nil, nil
	}
	p, err := w.load(ctx, folder)
	if errors.Is(err, api.ErrNotExist) {
		return ebpf.Settings{}, nil, nil
	}
	if err != nil {
		return ebpf.Settings{}, nil, err
	}
	settings, err := p.settings()
	return settings, p, err
}

// projectSession fills in what a request leaves open from the project's settings,
// and checks the attach points of its sources before a build.
type projectSession struct {
	api.Session
	settings   ebpf.Settings
	config     string // the devcontainer.json that has them
	dockerfile string // what the container's image is built from; empty for one that is not
	folder     string // the workspace folder on this side; empty without one
}

// Build implements api.Builder.
func (s *projectSession) Build(ctx context.Context, req api.BuildRequest, fn func(api.BuildEvent) error) (api.BuildResult, error) {
	if err := s.checkPoints(ctx, req, fn); err != nil {
		return api.BuildResult{}, err
	}
	res, err := s.Session.Build(ctx, s.settings.Request(req), fn)
	return res, s.lacking(err)
}

// Load implements api.Loader. The settings may name programs of several objects:
// those count that this object has a symbol for.
func (s *projectSession) Load(ctx context.Context, req api.LoadRequest) (api.LoadResult, error) {
	if req.Process != nil { // it attaches its programs itself
		res, err := s.Session.Load(ctx, req)
		return res, s.lacking(err)
	}
	req.Attach = s.attach(req.Object, req.Attach)
	return s.Session.Load(ctx, req)
}

// Verify implements api.Verifier.
func (s *projectSession) Verify(ctx context.Context, req api.VerifyRequest) (api.VerifyResult, error) {
	if req.Load {
		req.Attach = s.attach(req.Object, req.Attach)
	}
	return s.Session.Verify(ctx, req)
}

// attach adds what the settings say of an object's programs to the options of a
// request.
func (s *projectSession) attach(obj api.Object, opts []api.AttachOption) []api.AttachOption {
	given := len(opts)
	all := s.settings.Options(opts)
	return slices.Concat(all[:given], slices.DeleteFunc(all[given:], func(o api.AttachOption) bool {
		return o.Program != "*" && !bytes.Contains(obj.Data, []byte(o.Program+"\x00"))
	}))
}

// choose decides where TargetAuto leads: to the container of a folder that has
// a configuration, and to this kernel inside a container or without one.
func (w *Workspace) choose(ctx context.Context, req api.OpenRequest) (api.TargetName, error) {
	if version, ok := req.Target.Kernel(); ok && version != "" {
		return req.Target, nil
	}
	switch req.Target {
	case api.TargetLocal, api.TargetContainer:
		return req.Target, nil
	case api.TargetAuto:
	default:
		return "", api.Errorf("open", string(req.Target), api.ErrUsage, "no such target; there are local, container and kernel:VERSION")
	}
	if w.inside() || req.Folder == "" {
		return api.TargetLocal, nil
	}
	_, err := w.load(ctx, req.Folder)
	if errors.Is(err, api.ErrNotExist) {
		return api.TargetLocal, nil
	}
	return api.TargetContainer, nil
}

// inside reports whether this process runs in a dev container: it was put there
// by another ebpfdev, or an editor or Codespaces says so.
func (w *Workspace) inside() bool {
	if strings.HasPrefix(filepath.ToSlash(w.opts.Executable), binDir+"/") {
		return true
	}
	for _, name := range []string{"REMOTE_CONTAINERS", "CODESPACES"} {
		if value, _ := w.opts.Env(name); value == "true" {
			return true
		}
	}
	return false
}

// containerSession is a connection to the agent in a container.
type containerSession struct {
	*remote.Client
	info    api.SessionInfo
	process engine.Process
}

var _ api.Session = (*containerSession)(nil)

// Info implements api.Session.
func (s *containerSession) Info() api.SessionInfo { return s.info }

// Close ends the agent: it takes back what lives as long as the session.
func (s *containerSession) Close() error {
	return errors.Join(s.Client.Close(), s.process.Close())
}

// openContainer starts the agent in the workspace's running container. The
// binary is read back and hashed first, and run by its own path: whoever is root
// in the container could have changed what "current" leads to.
func (w *Workspace) openContainer(ctx context.Context, folder string) (api.Session, error) {
	s, err := w.session(ctx, "open", folder)
	if err != nil {
		return nil, err
	}
	silent := &step{reporter: &reporter{}}
	if err := s.ensureAgent(ctx, silent); err != nil {
		return nil, err
	}
	if s.cache.Agent == "" {
		return nil, api.Errorf("open", s.c.Name, api.ErrNotSupported, "this build has no agent for containers")
	}
	w.saveCache(s.p, s.cache)
	info, err := s.user(ctx, s.remoteUser())
	if err != nil {
		return nil, err
	}
	process, err := s.e.Exec(ctx, s.c.ID, engine.ExecSpec{
		Cmd: []string{path.Join(binDir, s.cache.Agent, "ebpfdev"), "agent"},
		Env: s.env(info, nil), User: "root", Stdin: true,
	})
	if err != nil {
		return nil, err
	}
	said := &tailBuffer{}
	go func() { _, _ = io.Copy(said, process.Stderr()) }()
	conn := &stdio{Process: process, ctx: context.WithoutCancel(ctx), s: s}
	client, err := remote.Connect(ctx, conn, remote.Options{Version: w.opts.Version})
	if err != nil {
		_ = process.Close()
		if text := said.last(); text != "" && ctx.Err() == nil {
			err = api.Errorf("start agent", s.c.Name, api.ErrUnreachable, text)
		}
		return nil, err
	}
	go conn.watchPause(client)
	return &containerSession{Client: client, process: conn, info: api.SessionInfo{
		Target: string(api.TargetContainer), Container: s.c.Name, Project: s.p.name(),
		Dir: s.p.place.Folder, Version: client.PeerVersion(),
	}}, nil
}

// tailBuffer keeps the end of what an agent said on its error output.
type tailBuffer struct {
	mu   sync.Mutex
	tail tail
}

func (b *tailBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tail.Write(p)
}

// last returns the last line.
func (b *tailBuffer) last() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(b.tail.String()), "\n")
	return lines[len(lines)-1]
}
