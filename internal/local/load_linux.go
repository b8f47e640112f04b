package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach"
	"github.com/ebpfdev/ebpfdev/internal/bpf/definition"
	"github.com/ebpfdev/ebpfdev/internal/bpf/globals"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/project"
)

// Load implements api.Loader.
func (t *Target) Load(ctx context.Context, req api.LoadRequest) (res api.LoadResult, err error) {
	ctx, done := t.call(ctx, "load")
	defer func() { err = done(err) }()
	if err := checkLoad(&req); err != nil {
		return res, err
	}
	if req.Process != nil {
		return t.loadProcess(ctx, req)
	}
	spec, err := t.parse(ctx, req.Object)
	if err != nil {
		return res, err
	}
	if err := globals.Set(spec, req.Set); err != nil {
		return res, err
	}
	if err := definition.Override(spec, req.Maps); err != nil {
		return res, err
	}
	opts, err := attach.NewOptions(spec, req.Attach)
	if err != nil {
		return res, err
	}
	left, prepared, err := opts.Prepare(spec)
	if err != nil {
		return res, err
	}
	defer prepared()

	release, err := t.lock(ctx, req.Lifetime == api.LifetimePinned || req.Replace && pin.Is(t.opts.BPFFS))
	if err != nil {
		return res, err
	}
	defer release()
	old, err := t.makeRoom(ctx, req)
	if err != nil {
		return res, err
	}
	defer old.close()
	instead, err := t.mapsInstead(spec, req, old)
	if err != nil {
		return res, err
	}
	defer instead.close()
	var obj *load.Object
	err = t.withKernelTypes(func(kernel *btf.Cache) error {
		obj, err = load.Load(ctx, spec, kernel, instead.maps)
		return err
	})
	if err != nil {
		return res, err
	}
	l := &loading{target: t, req: req, attacher: attach.New(obj, opts), obj: obj, old: old}
	l.attacher.Replace(old.links)
	l.res.Unattached = left
	if err := l.run(ctx); err != nil {
		l.undo()
		return api.LoadResult{}, err
	}
	return l.keep(), nil
}

func checkLoad(req *api.LoadRequest) error {
	req.Lifetime = cmp.Or(req.Lifetime, api.LifetimePinned)
	if req.Lifetime != api.LifetimePinned && req.Lifetime != api.LifetimeSession {
		return api.Errorf("load", req.Project, api.ErrUsage, "no lifetime "+string(req.Lifetime))
	}
	if req.Process != nil {
		if err := checkProcess(req); err != nil {
			return err
		}
	}
	if req.ReuseMaps && !req.Replace {
		return api.Errorf("load", req.Project, api.ErrUsage, "maps are taken over from what is replaced").
			WithHint("ebpfdev load --replace --reuse-maps")
	}
	return project.CheckName(req.Project)
}

// checkProcess refuses what only makes sense for an object.
func checkProcess(req *api.LoadRequest) error {
	cause := ""
	switch {
	case len(req.Object.Data) > 0:
		cause = "a load is of an object or of a process, not of both"
	case len(req.Attach) > 0 || req.NoAttach:
		cause = "a process attaches its programs itself"
	case len(req.Set) > 0:
		cause = "a process sets its variables itself"
	case len(req.Maps) > 0 || req.ReuseMaps:
		cause = "a process makes its maps itself"
	default:
		return nil
	}
	return api.Errorf("load", req.Project, api.ErrUsage, cause)
}

// lock lets one load or unload at a time happen in this process and, when pins
// are concerned, on this machine.
func (t *Target) lock(ctx context.Context, pins bool) (release func(), _ error) {
	t.loading.Lock()
	if err := cmp.Or(ctx.Err(), t.closed.Err()); err != nil {
		t.loading.Unlock()
		return nil, err
	}
	if !pins {
		return t.loading.Unlock, nil
	}
	unlock, err := t.pins.Lock(ctx)
	if err != nil {
		t.loading.Unlock()
		return nil, err
	}
	return func() { unlock(); t.loading.Unlock() }, nil
}

// makeRoom refuses a project that has something loaded, or says what the load
// takes the place of. A process is ended first. What tells of one that has ended by
// itself is removed.
func (t *Target) makeRoom(ctx context.Context, req api.LoadRequest) (*replaced, error) {
	t.mu.Lock()
	h := t.loads[req.Project]
	t.mu.Unlock()
	running := h != nil && h.loader != nil || len(t.runs.List(req.Project)) > 0
	if req.Replace && (req.Process != nil || running) {
		if _, err := t.unload(ctx, req.Project); err != nil {
			return nil, err
		}
	}
	if err := t.dropEnded(ctx, req.Project); err != nil {
		return nil, err
	}
	if req.Replace {
		return t.replaces(req.Project)
	}
	if h != nil && h.session() && h.loader == nil {
		return nil, api.Errorf("load", req.Project, api.ErrConflict, "the project is loaded already").
			WithHint("ebpfdev load --replace")
	}
	if err := t.runs.CheckFree(req.Project); err != nil {
		return nil, err
	}
	return &replaced{}, t.pins.CheckFree(req.Project)
}

// loading is a load under way: what there is to undo if it fails.
type loading struct {
	target   *Target
	req      api.LoadRequest
	attacher *attach.Attacher
	obj      *load.Object
	old      *replaced
	pins     []pin.Pin
	kept     []pin.Pin // records of pins that were there before
	links    []attached
	held     *held
	res      api.LoadResult
}

func (l *loading) pinned() bool { return l.req.Lifetime == api.LifetimePinned }

func (l *loading) run(ctx context.Context) error {
	l.res.Project = l.req.Project
	if l.pinned() {
		if err := l.pinObject(); err != nil {
			return err
		}
	}
	if !l.req.NoAttach {
		if err := l.attach(ctx); err != nil {
			return err
		}
	}
	if err := l.describe(ctx); err != nil {
		return err
	}
	return l.commit()
}

// pinObject pins programs and maps.
func (l *loading) pinObject() error {
	folders := l.target.pins.Create
	if l.old.pinned {
		folders = l.target.pins.Stage
	}
	if err := folders(l.req.Project); err != nil {
		return err
	}
	for _, name := range l.obj.ProgramNames() {
		if err := l.pin(pin.Programs, name, l.obj.Programs[name]); err != nil {
			return err
		}
	}
	for _, name := range l.obj.MapNames() {
		if err := l.pin(pin.Maps, name, l.obj.Maps[name]); err != nil {
			return err
		}
	}
	return l.pinOutside()
}

func (l *loading) pin(kind pin.Kind, name string, what pin.Pinner) error {
	put := l.target.pins.Pin
	if l.old.pinned {
		put = l.target.pins.PinStaged
	}
	p, err := put(l.req.Project, kind, name, what)
	if err != nil {
		return err
	}
	l.pins = append(l.pins, p)
	l.res.Pins = append(l.res.Pins, l.target.pins.Path(l.req.Project, kind, name))
	return nil
}

// attach attaches every program that can be.
func (l *loading) attach(ctx context.Context) error {
	for _, name := range l.attacher.Names() {
		if err := ctx.Err(); err != nil {
			return err
		}
		links, left, err := l.attacher.Attach(name)
		for errors.Is(err, api.ErrConflict) && l.old.giveWay(name, l.attacher.Names()) {
			links, left, err = l.attacher.Attach(name)
		}
		if err != nil {
			return err
		}
		if left != nil {
			l.res.Unattached = append(l.res.Unattached, *left)
		}
		for _, lnk := range links {
			l.links = append(l.links, attached{name, lnk})
		}
		for i, lnk := range links {
			if err := l.pinLink(name, i, lnk); err != nil {
				return err
			}
		}
	}
	return nil
}

// pinLink pins one of a program's links. The first has the program's name.
func (l *loading) pinLink(name string, i int, lnk attach.Link) error {
	if !l.pinned() || attach.Stays(lnk) {
		return nil
	}
	if err := attach.Pinnable(name, lnk); err != nil {
		return err
	}
	if i > 0 {
		name = fmt.Sprintf("%s.%d", name, i)
	}
	return l.pin(pin.Links, name, lnk)
}

// describe lists what was made, as the inspector shows it.
func (l *loading) describe(ctx context.Context) error {
	l.held = hold(l.obj, l.links)
	for _, a := range l.links {
		if _, err := pin.Of(a.link); err == nil {
			continue
		}
		if p, err := pin.Of(l.obj.Programs[a.program]); err == nil {
			l.res.Attached = append(l.res.Attached, api.Attachment{ProgramID: p.ID, Target: l.attacher.Where(a.program)})
		}
	}
	view := l.target.view()
	view.Ours = func(kind pin.Kind, id uint32) (project, name string) {
		return l.req.Project, l.held.names[kind][id]
	}
	l.res.Programs, l.res.Maps, l.res.Links = []api.Program{}, []api.Map{}, []api.Link{}
	var err error
	if req, any := l.made(pin.Programs); any {
		if l.res.Programs, err = view.Programs(ctx, req); err != nil {
			return err
		}
	}
	if req, any := l.made(pin.Maps); any {
		if l.res.Maps, err = view.Maps(ctx, req); err != nil {
			return err
		}
	}
	if req, any := l.made(pin.Links); any {
		l.res.Links, err = view.Links(ctx, req)
	}
	return err
}

// made selects what the load made of a kind; false when that is nothing.
func (l *loading) made(kind pin.Kind) (api.ListRequest, bool) {
	ids := slices.Collect(maps.Keys(l.held.names[kind]))
	return api.ListRequest{IDs: ids}, len(ids) > 0
}

// undo takes everything back; what was loaded before goes on.
func (l *loading) undo() {
	l.old.restore()
	if l.pinned() {
		for _, p := range l.kept {
			l.target.pins.Forget(p)
		}
		slices.Reverse(l.pins) // links first
		_, _ = l.target.pins.RemovePins(l.req.Project, l.pins)
	}
	for _, a := range l.links {
		if !l.old.has(a.link) {
			_ = a.link.Close()
		}
	}
	l.obj.Close()
}

// keep hands the load to the target, or to its pins, and removes what it took the
// place of.
func (l *loading) keep() api.LoadResult {
	l.res.Replaced = l.old.replacements(l.links)
	l.old.remove(l)
	if l.pinned() {
		l.held.links = slices.DeleteFunc(l.held.links, func(a attached) bool { return attach.Stays(a.link) })
		l.held.close()
		l.held.object, l.held.links = nil, nil
	}
	l.target.mu.Lock()
	defer l.target.mu.Unlock()
	l.target.loads[l.req.Project] = l.held
	return l.res
}

// Unload implements api.Loader.
func (t *Target) Unload(ctx context.Context, req api.UnloadRequest) (res api.UnloadResult, err error) {
	ctx, done := t.call(ctx, "unload")
	defer func() { err = done(err) }()
	if err := project.CheckName(req.Project); err != nil {
		return res, err
	}
	// Without a BPF file system there can be no pins, and nothing to lock.
	release, err := t.lock(ctx, pin.Is(t.opts.BPFFS))
	if err != nil {
		return res, err
	}
	defer release()
	if len(req.Names) > 0 {
		return t.unloadNames(req)
	}
	return t.unload(ctx, req.Project)
}

// unload takes back what this target holds, the project's process and what is
// pinned.
func (t *Target) unload(ctx context.Context, project string) (api.UnloadResult, error) {
	t.mu.Lock()
	h := t.loads[project]
	delete(t.loads, project)
	t.mu.Unlock()
	removed, said, err := t.runs.End(ctx, project)
	if err != nil {
		return api.UnloadResult{}, err
	}
	if h != nil && h.loader != nil {
		h.close()
	}
	if h != nil && h.object != nil {
		for _, a := range h.links {
			removed = append(removed, "link "+a.program)
		}
		for _, name := range h.object.ProgramNames() {
			removed = append(removed, "program "+name)
		}
		for _, name := range h.object.MapNames() {
			removed = append(removed, "map "+name)
		}
		h.close()
	}
	res, err := t.pins.Remove(project)
	res.Removed = append(removed, res.Removed...)
	res.Output = said
	return res, err
}
