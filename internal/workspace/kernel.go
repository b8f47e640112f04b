package workspace

import (
	"context"
	"errors"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
	ebpf "github.com/ebpfdev/ebpfdev/internal/project"
)

// kernelSession is a guest kernel with the builder of the place where the project
// is built: the container, or this machine.
type kernelSession struct {
	api.Target
	release string
	folder  string
	place   func(context.Context) (api.Session, error)

	mu    sync.Mutex
	built api.Session // nil until something was built
}

var _ api.Session = (*kernelSession)(nil)

// openKernel boots a kernel for a session. Where the project is built is opened
// when there is something to build: a guest can be looked at without a container.
func (w *Workspace) openKernel(ctx context.Context, req api.OpenRequest, version string) (api.Session, error) {
	if w.opts.Kernel == nil {
		return nil, api.Errorf("open", "kernel "+version, api.ErrNotSupported, "no kernels can be booted from here")
	}
	target, err := w.opts.Kernel(ctx, version)
	if err != nil {
		return nil, err
	}
	req.Target = api.TargetAuto
	return &kernelSession{Target: target, release: target.Image().Release, folder: req.Folder, place: func(ctx context.Context) (api.Session, error) {
		where, err := w.choose(ctx, req)
		if err != nil {
			return nil, err
		}
		return w.openTarget(ctx, where, req)
	}}, nil
}

// Info implements api.Session. The folder is the one on the side that builds, once
// something was built.
func (s *kernelSession) Info() api.SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := api.SessionInfo{Project: ebpf.Name(s.folder), Dir: s.folder}
	if s.built != nil {
		info = s.built.Info()
	}
	info.Target = string(api.TargetKernel(s.release))
	return info
}

// Build implements api.Builder, outside the guest.
func (s *kernelSession) Build(ctx context.Context, req api.BuildRequest, fn func(api.BuildEvent) error) (api.BuildResult, error) {
	place, err := s.builder(ctx)
	if err != nil {
		return api.BuildResult{}, err
	}
	if req.Dir == s.folder {
		req.Dir = place.Info().Dir
	}
	return place.Build(ctx, req, fn)
}

func (s *kernelSession) builder(ctx context.Context) (api.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.built != nil {
		return s.built, nil
	}
	place, err := s.place(ctx)
	if err != nil {
		return nil, err
	}
	s.built = place
	return place, nil
}

// Load implements api.Loader. Nothing outlives a guest that ends with the session,
// and it has no user space that could run a process.
func (s *kernelSession) Load(ctx context.Context, req api.LoadRequest) (api.LoadResult, error) {
	name := "kernel " + s.release
	if req.Process != nil {
		return api.LoadResult{}, api.Errorf("load", name, api.ErrNotSupported,
			"the guest holds a kernel and ebpfdev, nothing that could run "+req.Process.Args[0]).WithHint("ebpfdev run --target container")
	}
	if req.Lifetime == api.LifetimePinned {
		return api.LoadResult{}, api.Errorf("load", name, api.ErrNotSupported,
			"the guest ends with this command, and all it has loaded").WithHint("ebpfdev run --kernel " + s.release)
	}
	return s.Target.Load(ctx, req)
}

// Close implements api.Session.
func (s *kernelSession) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Target.Close()
	if s.built != nil {
		err = errors.Join(err, s.built.Close())
	}
	return err
}
