package apitest

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// AddProgram puts a program into the kernel and returns it with its id.
func (f *Fake) AddProgram(p api.Program) api.Program {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addProgram(p)
}

// AddLink puts a link into the kernel and returns it with its id.
func (f *Fake) AddLink(l api.Link) api.Link {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addLink(l)
}

func (f *Fake) addProgram(p api.Program) api.Program {
	if p.ID == 0 {
		p.ID = f.id()
	}
	f.programs = append(f.programs, p)
	f.touch()
	return p
}

func (f *Fake) addLink(l api.Link) api.Link {
	if l.ID == 0 {
		l.ID = f.id()
	}
	f.links = append(f.links, l)
	f.touch()
	return l
}

// ListPrograms implements api.Inspector.
func (f *Fake) ListPrograms(ctx context.Context, req api.ListRequest) ([]api.Program, error) {
	if err := f.enter(ctx, "ListPrograms"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []api.Program
	for _, p := range f.programs {
		if selects(req, p.ID, p.Name, p.Project) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b api.Program) int { return int(a.ID) - int(b.ID) })
	return out, nil
}

// ListMaps implements api.Inspector.
func (f *Fake) ListMaps(ctx context.Context, req api.ListRequest) ([]api.Map, error) {
	if err := f.enter(ctx, "ListMaps"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []api.Map
	for _, m := range f.maps {
		if selects(req, m.info.ID, m.info.Name, m.info.Project) {
			out = append(out, m.info)
		}
	}
	slices.SortFunc(out, func(a, b api.Map) int { return int(a.ID) - int(b.ID) })
	return out, nil
}

// ListLinks implements api.Inspector.
func (f *Fake) ListLinks(ctx context.Context, req api.ListRequest) ([]api.Link, error) {
	if err := f.enter(ctx, "ListLinks"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []api.Link
	for _, l := range f.links {
		if selects(req, l.ID, l.Program, l.Project) {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b api.Link) int { return int(a.ID) - int(b.ID) })
	return out, nil
}

func selects(req api.ListRequest, id uint32, name, project string) bool {
	return (len(req.IDs) == 0 || slices.Contains(req.IDs, id)) &&
		(req.Name == "" || req.Name == name) &&
		(req.Project == "" || req.Project == project)
}

// Load implements api.Loader.
func (f *Fake) Load(ctx context.Context, req api.LoadRequest) (api.LoadResult, error) {
	if err := f.enter(ctx, "Load"); err != nil {
		return api.LoadResult{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loaded = append(f.loaded, req)
	switch {
	case req.Process != nil && (len(req.Object.Data) > 0 || len(req.Attach) > 0 || req.NoAttach || len(req.Process.Args) == 0):
		return api.LoadResult{}, api.Errorf("load", req.Project, api.ErrUsage, "a process loads and attaches by itself")
	case req.Process == nil && !bytes.HasPrefix(req.Object.Data, []byte("\x7fELF")):
		return api.LoadResult{}, api.Errorf("load", req.Object.Name, api.ErrInvalid, "not an ELF file")
	}
	if req.ReuseMaps && !req.Replace {
		return api.LoadResult{}, api.Errorf("load", req.Project, api.ErrUsage, "maps are taken over from what is replaced")
	}
	f.dropEnded(req.Project)
	var replaced []api.Replacement
	if f.holds(req.Project) {
		if !req.Replace {
			return api.LoadResult{}, api.Errorf("load", req.Project, api.ErrConflict, "the project is already loaded").
				WithHint("ebpfdev load --replace")
		}
		for _, l := range f.links {
			if l.Project == req.Project && req.Process == nil {
				replaced = append(replaced, api.Replacement{Program: l.Program, How: api.ReplacedOverlap})
			}
		}
		f.unload(req.Project)
	}
	want := f.load
	if want == nil {
		want = sampleLoad(req.Object.Name)
	}
	if req.Process != nil {
		return f.run(req, want), nil
	}
	res := f.put(req, want)
	res.Replaced = replaced
	return res, nil
}

// put adds what a load makes. f.mu is held.
func (f *Fake) put(req api.LoadRequest, want *api.LoadResult) api.LoadResult {
	res := api.LoadResult{Project: req.Project, Unattached: want.Unattached}
	ids := map[string]uint32{}
	for _, m := range want.Maps {
		m.Project, m.ID = req.Project, f.id()
		f.maps = append(f.maps, &fakeMap{info: m})
		res.Maps = append(res.Maps, m)
	}
	for _, p := range want.Programs {
		p.Project, p.ID = req.Project, 0
		p = f.addProgram(p)
		ids[p.Name] = p.ID
		res.Programs = append(res.Programs, p)
		if req.Lifetime != api.LifetimeSession {
			res.Pins = append(res.Pins, "/sys/fs/bpf/ebpfdev/"+req.Project+"/"+p.Name)
		}
	}
	if req.NoAttach {
		return res
	}
	for _, l := range want.Links {
		l.Project, l.ID, l.ProgramID = req.Project, 0, ids[l.Program]
		res.Links = append(res.Links, f.addLink(l))
	}
	return res
}

func (f *Fake) holds(project string) bool {
	return slices.ContainsFunc(f.programs, func(p api.Program) bool { return p.Project == project })
}

// Unload implements api.Loader.
func (f *Fake) Unload(ctx context.Context, req api.UnloadRequest) (api.UnloadResult, error) {
	if err := f.enter(ctx, "Unload"); err != nil {
		return api.UnloadResult{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(req.Names) > 0 {
		return f.unloadNames(req)
	}
	var said []api.OutputLine
	if p := f.process(req.Project); p != nil && p.Ended == nil {
		said = f.lastWords
	}
	return api.UnloadResult{Removed: f.unload(req.Project), Output: said}, nil
}

// unload takes a project's objects out, links first. f.mu is held.
func (f *Fake) unload(project string) []string {
	return append(f.endProcess(project), f.takeOut(project)...)
}

// unloadNames takes out some programs and maps. f.mu is held.
func (f *Fake) unloadNames(req api.UnloadRequest) (api.UnloadResult, error) {
	var res api.UnloadResult
	for _, name := range req.Names {
		before := len(res.Removed)
		f.links = slices.DeleteFunc(f.links, func(l api.Link) bool {
			return l.Project == req.Project && l.Program == name && note(&res, "link "+name)
		})
		f.programs = slices.DeleteFunc(f.programs, func(p api.Program) bool {
			return p.Project == req.Project && p.Name == name && note(&res, "program "+name)
		})
		f.maps = slices.DeleteFunc(f.maps, func(m *fakeMap) bool {
			return m.info.Project == req.Project && m.info.Name == name && note(&res, "map "+name)
		})
		if len(res.Removed) == before {
			return res, api.Errorf("unload", name, api.ErrNotExist, "the project has no program and no map of this name")
		}
	}
	f.touch()
	return res, nil
}

func note(res *api.UnloadResult, what string) bool {
	res.Removed = append(res.Removed, what)
	return true
}

// takeOut takes a project's programs, maps and links out. f.mu is held.
func (f *Fake) takeOut(project string) []string {
	var removed []string
	f.links = slices.DeleteFunc(f.links, func(l api.Link) bool {
		if l.Project == project {
			removed = append(removed, "link "+l.Program)
		}
		return l.Project == project
	})
	f.programs = slices.DeleteFunc(f.programs, func(p api.Program) bool {
		if p.Project == project {
			removed = append(removed, "program "+p.Name)
		}
		return p.Project == project
	})
	f.maps = slices.DeleteFunc(f.maps, func(m *fakeMap) bool {
		if m.info.Project == project {
			removed = append(removed, "map "+m.info.Name)
		}
		return m.info.Project == project
	})
	f.touch()
	return removed
}

// Verify implements api.Verifier.
func (f *Fake) Verify(ctx context.Context, req api.VerifyRequest) (api.VerifyResult, error) {
	if err := f.enter(ctx, "Verify"); err != nil {
		return api.VerifyResult{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !bytes.HasPrefix(req.Object.Data, []byte("\x7fELF")) {
		return api.VerifyResult{}, api.Errorf("verify", req.Object.Name, api.ErrInvalid, "not an ELF file")
	}
	if f.verify != nil {
		return *f.verify, nil
	}
	return api.VerifyResult{Object: req.Object.Name, Kernel: f.kernel.Release, Programs: []api.ProgramReport{{
		Program: stem(req.Object.Name), Section: "tracepoint/sched/sched_process_exec", Type: "tracepoint",
		Verdict: api.VerdictAccepted, Insns: 120, States: 8, PeakStates: 8, StackDepth: 32, BytesXlated: 584, BytesJited: 371,
	}}}, nil
}

// Build implements api.Builder.
func (f *Fake) Build(ctx context.Context, _ api.BuildRequest, fn func(api.BuildEvent) error) (api.BuildResult, error) {
	f.mu.Lock()
	said, built := f.said, f.built
	f.mu.Unlock()
	for _, e := range said {
		if err := fn(e); err != nil {
			return api.BuildResult{}, err
		}
	}
	if err := f.enter(ctx, "Build"); err != nil {
		return api.BuildResult{}, err
	}
	return built, nil
}

func stem(name string) string {
	name, _, _ = strings.Cut(name, ".")
	return name
}

// ListPlaces implements api.Inspector: every link of a cgroup's is at its target.
func (f *Fake) ListPlaces(ctx context.Context, req api.PlacesRequest) ([]api.Place, error) {
	if err := f.enter(ctx, "ListPlaces"); err != nil {
		return nil, err
	}
	if req.Kind != api.PlaceCgroup && req.Kind != api.PlaceNetwork {
		return nil, api.Errorf("list places", string(req.Kind), api.ErrUsage, "no such kind of place")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []api.Place{}
	for _, l := range f.links {
		if l.Type == "cgroup" && req.Kind == api.PlaceCgroup {
			list = append(list, api.Place{Where: l.Target, Hook: "cgroup_inet_ingress", ProgramID: l.ProgramID, Program: l.Program, Project: l.Project, LinkID: l.ID})
		}
	}
	return list, nil
}

// Detach implements api.Loader.
func (f *Fake) Detach(ctx context.Context, req api.DetachRequest) error {
	if err := f.enter(ctx, "Detach"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.links)
	f.links = slices.DeleteFunc(f.links, func(l api.Link) bool { return l.ID == req.LinkID })
	if len(f.links) == n {
		return api.Errorf("detach", strconv.Itoa(int(req.LinkID)), api.ErrNotExist, "no such link")
	}
	f.touch()
	return nil
}
