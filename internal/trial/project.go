package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// seenWithin is how long after the stimulus what it caused may take to be seen.
const seenWithin = 30 * time.Second

func (a *attempt) scaffold(ctx context.Context) (string, error) {
	res, err := a.Scaffolder.Scaffold(ctx, api.ScaffoldRequest{
		Name: "check-" + a.template.ID + "-" + a.kind.ID, Folder: a.folder, Template: a.template.ID, Kind: a.kind.ID,
	})
	return fmt.Sprintf("%d files", len(res.Files)), err
}

// up reports the steps of the container as lines of its own step.
func (a *attempt) up(ctx context.Context) (string, error) {
	res, err := a.Workspace.Up(ctx, api.UpRequest{Folder: a.folder}, func(p api.Progress) error {
		if p.Line == "" || p.State == api.StepFailed {
			return nil
		}
		p.Step, p.State = a.template.ID+"/"+a.kind.ID+" up", api.StepRunning
		return a.report(p)
	})
	if err != nil {
		return "", err
	}
	a.session, err = a.Workspace.Open(ctx, api.OpenRequest{Folder: a.folder, Target: api.TargetContainer})
	return res.ContainerName, err
}

// buildOffline builds from nothing in a network namespace that has no network.
func (a *attempt) buildOffline(ctx context.Context) (string, error) {
	return "", a.sh(ctx, `make clean > /dev/null && exec sudo unshare --net -- sudo -u "$(id -un)" make build`)
}

// build builds through the agent, after everything was built already.
func (a *attempt) build(ctx context.Context) (string, error) {
	var err error
	a.built, err = a.session.Build(ctx, api.BuildRequest{Dir: a.session.Info().Dir}, func(api.BuildEvent) error { return nil })
	if err != nil {
		return "", err
	}
	if len(a.built.Objects) == 0 && len(a.built.Loader) > 0 {
		return "compiled when it starts", nil
	}
	if len(a.built.Objects) != 1 {
		return "", api.Errorf("build", a.folder, api.ErrFailed, fmt.Sprintf("%d objects came out, not one", len(a.built.Objects)))
	}
	return a.built.Objects[0].Path, nil
}

func (a *attempt) test(ctx context.Context) (string, error) {
	return "", a.sh(ctx, "exec make test")
}

func (a *attempt) verify(ctx context.Context) (string, error) {
	if len(a.built.Objects) == 0 {
		return "verified when it starts", nil
	}
	res, err := a.session.Verify(ctx, api.VerifyRequest{Object: a.built.Objects[0]})
	if err != nil {
		return "", err
	}
	insns := 0
	for _, p := range res.Programs {
		if p.Verdict != api.VerdictAccepted {
			return "", api.Errorf("verify", p.Program, api.ErrRejected, p.Reason)
		}
		insns += p.Insns
	}
	return fmt.Sprintf("%d programs, %d instructions", len(res.Programs), insns), nil
}

func (a *attempt) load(ctx context.Context) (string, error) {
	req := api.LoadRequest{Project: a.session.Info().Project, Lifetime: api.LifetimePinned}
	if len(a.built.Loader) > 0 {
		req.Process = &api.Process{Args: a.built.Loader, Dir: a.session.Info().Dir}
	} else {
		req.Object = a.built.Objects[0]
	}
	res, err := a.session.Load(ctx, req)
	if err != nil {
		return "", err
	}
	if len(res.Programs) == 0 || len(res.Unattached) > 0 {
		return "", api.Errorf("load", req.Project, api.ErrFailed,
			fmt.Sprintf("%d programs, of which %d are not attached", len(res.Programs), len(res.Unattached)))
	}
	return fmt.Sprintf("%d programs, %d maps", len(res.Programs), len(res.Maps)), nil
}

// errSeen ends a stream that has shown what was looked for.
var errSeen = errors.New("seen")

// seeEntry makes the stimulus and waits for its entry in the map.
func (a *attempt) seeEntry(ctx context.Context) (string, error) {
	if err := a.sh(ctx, "exec make stimulus"); err != nil {
		return "", err
	}
	within, cancel := context.WithTimeout(ctx, seenWithin)
	defer cancel()
	query := api.QueryRequest{Map: api.MapRef{Name: a.kind.Check.Map, Project: a.session.Info().Project}, Limit: 1000}
	scanned, other := 0, ""
	err := a.session.WatchMap(within, api.WatchRequest{Query: query, Interval: 200 * time.Millisecond}, func(page api.Page) error {
		scanned = page.Scanned
		for _, e := range page.Entries {
			if other = entryText(e); a.entry.MatchString(other) {
				a.result.Entry = e.Key.Text + "  " + e.Value.Text
				return errSeen
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errSeen):
		return a.result.Entry, nil
	case within.Err() != nil && ctx.Err() == nil:
		return "", api.Errorf("watch map", a.kind.Check.Map, api.ErrFailed,
			fmt.Sprintf("none of its %d entries matches %s; one is %s", scanned, a.kind.Check.Entry, other))
	}
	return "", err
}

// entryText is what a check's expression is held against: the key and the value,
// or each CPU's.
func entryText(e api.Entry) string {
	text := datumText(e.Key)
	for _, v := range e.PerCPU {
		text += " " + datumText(v)
	}
	if len(e.PerCPU) == 0 {
		text += " " + datumText(e.Value)
	}
	return text
}

func datumText(d api.Datum) string {
	if len(d.JSON) > 0 {
		return string(d.JSON)
	}
	return d.Raw.String()
}

// unload takes the load back and sees that nothing of it is left.
func (a *attempt) unload(ctx context.Context) (string, error) {
	project := a.session.Info().Project
	res, err := a.session.Unload(ctx, api.UnloadRequest{Project: project})
	if err != nil {
		return "", err
	}
	programs, err := a.session.ListPrograms(ctx, api.ListRequest{Project: project})
	if err != nil {
		return "", err
	}
	maps, err := a.session.ListMaps(ctx, api.ListRequest{Project: project})
	if err != nil {
		return "", err
	}
	if len(res.Removed) == 0 || len(programs)+len(maps) > 0 {
		return "", api.Errorf("unload", project, api.ErrFailed,
			fmt.Sprintf("%d removed, %d programs and %d maps are left", len(res.Removed), len(programs), len(maps)))
	}
	return fmt.Sprintf("%d removed", len(res.Removed)), nil
}

// down removes what is left of the project: all but its folder and image.
func (a *attempt) down(ctx context.Context) (string, error) {
	var errs []error
	if a.session != nil {
		errs = append(errs, a.session.Close())
	}
	res, err := a.Workspace.Down(ctx, api.DownRequest{Folder: a.folder})
	if errors.Is(err, api.ErrNotExist) { // there is not even a project
		err = nil
	}
	return fmt.Sprintf("%d removed", len(res.Removed)), errors.Join(append(errs, err)...)
}
