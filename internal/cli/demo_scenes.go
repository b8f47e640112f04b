package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

// demoSeenWithin is how long after the stimulus its entry may take to be complete.
const demoSeenWithin = 15 * time.Second

// demoStimulus starts a copy of true under the name $0, $1 times. The name of
// the file becomes the name of the process, which is what the map is keyed by.
const demoStimulus = `set -eu
date; uname -sr; id -un
cp /bin/true "/tmp/$0"
i=0
while [ "$i" -lt "$1" ]; do
	"/tmp/$0"
	i=$((i + 1))
	[ $((i % 5)) -ne 0 ] || sleep 0.5
done
rm "/tmp/$0"`

// demoMark makes a process name (at most 15 bytes) out of the temporary
// folder's: nothing else on the machine has it.
func demoMark(parent string) string {
	name := filepath.Base(parent)
	name = name[strings.LastIndexByte(name, '-')+1:]
	return "demo-" + name[:min(len(name), 10)]
}

// look shows what the doctor found; a failed check ends the demo before
// anything was made.
func (d *demo) look(ctx context.Context) error {
	doc, err := d.doctor()
	if err != nil {
		return err
	}
	count := map[api.CheckState]int{}
	var failed *api.Check
	shown := doctorOptions{factory: d.factory}
	err = doc.Diagnose(ctx, api.DoctorRequest{}, func(c api.Check) error {
		count[c.State]++
		if c.State == api.CheckFail && failed == nil {
			failed = &c
		}
		if c.State == api.CheckOK {
			return nil
		}
		return shown.writeCheck(c)
	})
	if err != nil {
		return err
	}
	d.tell("%d checks ok, %d warnings, %d failed", count[api.CheckOK], count[api.CheckWarn], count[api.CheckFail])
	if failed != nil {
		return api.Errorf("check", failed.Title, api.ErrEnvironment, failed.Found).WithHint("ebpfdev doctor --fix")
	}
	return nil
}

func (d *demo) scaffold(ctx context.Context) error {
	sc, err := d.scaffolder()
	if err != nil {
		return err
	}
	res, err := sc.Scaffold(ctx, api.ScaffoldRequest{
		Name: demoProject, Folder: d.folder, Template: demoTemplate, Kind: demoKind,
	})
	if err != nil {
		return err
	}
	d.made = true
	d.tell("%d files in %s", len(res.Files), line(res.Folder))
	return nil
}

func (d *demo) start(ctx context.Context) error {
	res, err := d.up(ctx, d.ws, api.UpRequest{Folder: d.folder})
	if err != nil {
		return err
	}
	d.tell("container %s, user %s, project at %s", line(res.ContainerName), line(res.RemoteUser), line(res.RemoteFolder))
	d.session, err = d.open(ctx)
	return err
}

func (d *demo) compile(ctx context.Context) error {
	res, err := d.build(ctx, d.session, api.BuildRequest{Dir: d.session.Info().Dir})
	if err != nil {
		return err
	}
	if len(res.Objects) == 0 {
		return api.Errorf("build", demoProject, api.ErrFailed, "it made no object")
	}
	d.object = res.Objects[0]
	for _, o := range res.Objects {
		d.tell("%s, %s", line(objectPath(o)), output.Bytes(int64(len(o.Data))))
	}
	return nil
}

func (d *demo) judge(ctx context.Context) error {
	res, err := d.session.Verify(ctx, api.VerifyRequest{Object: d.object})
	if err != nil {
		return err
	}
	results := []api.VerifyResult{res}
	if err := d.writeVerdicts(results); err != nil {
		return err
	}
	if !allAccepted(results) {
		return api.Errorf("verify", demoProject, api.ErrRejected, "a program was refused")
	}
	return nil
}

func (d *demo) attach(ctx context.Context) error {
	res, err := d.session.Load(ctx, api.LoadRequest{
		Project: d.session.Info().Project, Object: d.object, Lifetime: api.LifetimePinned,
	})
	if err != nil {
		return err
	}
	if len(res.Links) == 0 {
		return api.Errorf("load", demoProject, api.ErrFailed, "nothing was attached")
	}
	return d.writeLoaded(res, false, "ebpfdev load")
}

// watch starts programs in the container and shows their entry grow until it
// counts every one of them.
func (d *demo) watch(ctx context.Context) error {
	m, err := findMap(ctx, d.session, demoMap)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	both, bothCtx := errgroup.WithContext(ctx)
	both.Go(func() error { return d.stimulate(bothCtx) })
	both.Go(func() error { return d.count(bothCtx, m) })
	if err := both.Wait(); err != nil {
		return err
	}
	dump := dumpOptions{factory: d.factory, output: output.NewChoice(output.FormatTable)}
	dump.req.Order, dump.req.Limit = "-value", 10
	return dump.entries(ctx, d.session, m)
}

func (d *demo) stimulate(ctx context.Context) error {
	code, err := d.ws.Exec(ctx, api.ExecRequest{
		Folder: d.folder, Args: []string{"sh", "-c", demoStimulus, d.mark, fmt.Sprint(demoRuns)},
		Dir:     "/",
		Streams: api.Streams{Out: d.io.ErrOut, Err: d.io.ErrOut},
	})
	if err == nil && code != 0 {
		err = api.Errorf("start programs", "", api.ErrFailed, fmt.Sprintf("the script ended with %d", code))
	}
	return err
}

// count watches the map until the stimulus' entry counts all its runs.
func (d *demo) count(ctx context.Context, m api.Map) error {
	ctx, cancel := context.WithTimeout(ctx, demoSeenWithin)
	defer cancel()
	last := uint64(0)
	req := api.WatchRequest{Query: api.QueryRequest{Map: api.MapRef{ID: m.ID}, Where: d.mark, Limit: 10}, Interval: 200 * time.Millisecond}
	err := d.session.WatchMap(ctx, req, func(page api.Page) error {
		execs := execsOf(page)
		if execs != last {
			last = execs
			d.tell("%3d of %d programs counted, %d entries in the map", execs, demoRuns, page.Scanned)
		}
		if execs >= demoRuns {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return api.Errorf("watch map", demoMap, api.ErrFailed,
			fmt.Sprintf("the attached program counted %d of the %d programs that were started", last, demoRuns))
	default:
		return err
	}
}

// execsOf adds up what the entries count.
func execsOf(page api.Page) uint64 {
	var sum uint64
	for _, e := range page.Entries {
		var value struct {
			Execs uint64 `json:"execs"`
		}
		if json.Unmarshal(e.Value.JSON, &value) == nil {
			sum += value.Execs
		}
	}
	return sum
}

func (d *demo) takeOut(ctx context.Context) error {
	res, err := d.session.Unload(ctx, api.UnloadRequest{Project: d.session.Info().Project})
	if err != nil {
		return err
	}
	if len(res.Removed) == 0 {
		return api.Errorf("unload", demoProject, api.ErrFailed, "there was nothing to take back")
	}
	err = errors.Join(d.writeUnloaded(res), d.session.Close())
	d.session = nil
	return err
}

func (d *demo) remove(ctx context.Context) error {
	res, err := d.ws.Down(ctx, api.DownRequest{Folder: d.folder, All: true})
	if err != nil {
		return err
	}
	d.removedLines(res.Removed)
	return nil
}

// tell writes a line of the commentary.
func (d *demo) tell(format string, args ...any) {
	fmt.Fprintf(d.io.Out, "    "+format+"\n", args...)
}
