package local

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach"
	"github.com/ebpfdev/ebpfdev/internal/bpf/globals"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/bpf/process"
	"github.com/ebpfdev/ebpfdev/internal/bpf/verify"
)

// Target is the kernel of this machine. Its methods may be called from many
// goroutines at once; loads and unloads are done one after the other.
type Target struct {
	opts   Options
	pins   *pin.Store
	runs   *process.Store
	closed context.Context // done once Close was called
	close  context.CancelFunc

	loading sync.Mutex // held while something is loaded or taken back

	mu      sync.Mutex // guards what follows
	loads   map[string]*held
	kernel  *btf.Cache // not safe for concurrent use: take it with kernelTypes
	typesMu sync.Mutex
}

var _ api.Target = (*Target)(nil)

// New returns a target for this kernel. It changes nothing until something is
// loaded; privileges are asked for by the calls that need them.
func New(opts Options) (*Target, error) {
	opts.BPFFS = cmp.Or(opts.BPFFS, DefaultBPFFS)
	opts.RunDir = cmp.Or(opts.RunDir, DefaultRunDir)
	opts.ProcessWithin = cmp.Or(opts.ProcessWithin, time.Minute)
	t := &Target{opts: opts, pins: pin.New(opts.BPFFS), runs: process.New(opts.RunDir), loads: map[string]*held{}, kernel: btf.NewCache()}
	//nolint:forbidigo // ends the calls in progress when the target closes, whoever made them
	t.closed, t.close = context.WithCancel(context.Background())
	return t, nil
}

// Close takes back the loads that live as long as the target, and ends the
// calls in progress.
func (t *Target) Close() error {
	t.close()
	t.loading.Lock()
	defer t.loading.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	for project, h := range t.loads {
		h.close()
		delete(t.loads, project)
	}
	return nil
}

// call is what every method begins with: its context ends when the target
// closes. done must be called with the method's error, which it makes the one
// that the contract asks for.
func (t *Target) call(ctx context.Context, op string) (_ context.Context, done func(error) error) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(t.closed, cancel)
	return ctx, func(err error) error {
		stop()
		cancel()
		if t.closed.Err() != nil {
			return closedError(op)
		}
		return err
	}
}

func closedError(op string) error {
	return api.Errorf(op, "", api.ErrUnreachable, "the target is closed")
}

// withKernelTypes calls fn with the cache of the kernel's BTF, which one
// goroutine at a time may use.
func (t *Target) withKernelTypes(fn func(*btf.Cache) error) error {
	t.typesMu.Lock()
	defer t.typesMu.Unlock()
	return fn(t.kernel)
}

// parse reads an object, first in a child process when there is one.
func (t *Target) parse(ctx context.Context, obj api.Object) (*ebpf.CollectionSpec, error) {
	if len(t.opts.CheckObject) > 0 {
		if err := object.CheckInChild(ctx, t.opts.CheckObject, obj); err != nil {
			return nil, err
		}
	}
	return object.Parse(obj)
}

func (t *Target) view() *inspect.View {
	return &inspect.View{BPFFS: t.opts.BPFFS, Ours: t.owner()}
}

// ListPrograms implements api.Inspector.
func (t *Target) ListPrograms(ctx context.Context, req api.ListRequest) ([]api.Program, error) {
	ctx, done := t.call(ctx, "list programs")
	list, err := t.view().Programs(ctx, req)
	return list, done(err)
}

// ListMaps implements api.Inspector.
func (t *Target) ListMaps(ctx context.Context, req api.ListRequest) ([]api.Map, error) {
	ctx, done := t.call(ctx, "list maps")
	list, err := t.view().Maps(ctx, req)
	return list, done(err)
}

// ListLinks implements api.Inspector.
func (t *Target) ListLinks(ctx context.Context, req api.ListRequest) ([]api.Link, error) {
	ctx, done := t.call(ctx, "list links")
	list, err := t.view().Links(ctx, req)
	return list, done(err)
}

// ReadCode implements api.Inspector.
func (t *Target) ReadCode(ctx context.Context, req api.CodeRequest) (api.Code, error) {
	ctx, done := t.call(ctx, "read code")
	code, err := t.view().Code(ctx, req)
	return code, done(err)
}

// ListBTF implements api.Types.
func (t *Target) ListBTF(ctx context.Context, req api.BTFRequest) ([]api.BTF, error) {
	ctx, done := t.call(ctx, "list BTF")
	list, err := t.view().BTFs(ctx, req)
	return list, done(err)
}

// ReadBTF implements api.Types.
func (t *Target) ReadBTF(ctx context.Context, req api.BTFRequest) (api.BTFData, error) {
	ctx, done := t.call(ctx, "read BTF")
	data, err := t.view().BTF(ctx, req)
	return data, done(err)
}

// ListProcesses implements api.Inspector.
func (t *Target) ListProcesses(ctx context.Context, req api.ListRequest) ([]api.RunningProcess, error) {
	ctx, done := t.call(ctx, "list processes")
	list := []api.RunningProcess{}
	for _, r := range t.runs.List(req.Project) {
		if err := ctx.Err(); err != nil {
			return nil, done(err)
		}
		list = append(list, t.describeProcess(r))
	}
	return list, done(ctx.Err())
}

// Verify implements api.Verifier.
func (t *Target) Verify(ctx context.Context, req api.VerifyRequest) (res api.VerifyResult, err error) {
	ctx, done := t.call(ctx, "verify")
	defer func() { err = done(err) }()
	spec, err := t.parse(ctx, req.Object)
	if err != nil {
		return res, err
	}
	if err := globals.Set(spec, req.Set); err != nil {
		return res, err
	}
	if req.Load {
		opts, err := attach.NewOptions(spec, req.Attach)
		if err != nil {
			return res, err
		}
		_, prepared, err := opts.Prepare(spec)
		if err != nil {
			return res, err
		}
		defer prepared()
	}
	err = t.withKernelTypes(func(kernel *btf.Cache) error {
		res, err = verify.Object(ctx, spec, req, kernel)
		return err
	})
	return res, err
}
