package debian

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/near"
)

//go:embed pins.json
var pins []byte

// Pins returns the kernels whose digests are built in, the oldest first.
func Pins() ([]Kernel, error) {
	var list []Kernel
	if err := json.Unmarshal(pins, &list); err != nil {
		return nil, fmt.Errorf("read the table of kernels: %w", err)
	}
	return list, nil
}

// Pins returns the kernels that are known without an index, the oldest first.
func (a *Archive) Pins() []Kernel { return a.opts.Pins }

// Pinned returns the kernel that a version stands for without an index.
func (a *Archive) Pinned(v Version, sha256 string) (Kernel, bool) {
	return newest(a.opts.Pins, v, sha256)
}

// newest returns the last kernel that is meant, of a list by Compare: cloud
// flavours come before others of any version.
func newest(kernels []Kernel, v Version, sha256 string) (best Kernel, found bool) {
	for _, k := range kernels {
		if !v.matches(k) || (sha256 != "" && k.Image.SHA256 != sha256) {
			continue
		}
		if !found || cmp.Or(compareBool(k.cloud(), best.cloud()), Compare(k, best)) >= 0 {
			best, found = k, true
		}
	}
	return best, found
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// step is the step that reading indexes is reported as.
const step = "index"

// Find reads the signed indexes of the suites that may have a version, and
// returns the newest kernel that is meant.
// Errors: ErrNotExist, ErrUntrusted, ErrUnreachable, ErrInvalid.
func (a *Archive) Find(ctx context.Context, v Version, sha256 string, fn func(api.Progress) error) (Kernel, error) {
	tell := func(p api.Progress) error {
		p.Time, p.Step, p.Title = a.opts.Now(), step, "Read Debian's indexes"
		return fn(p)
	}
	if err := tell(api.Progress{State: api.StepStarted}); err != nil {
		return Kernel{}, err
	}
	k, err := a.search(ctx, v, sha256, tell)
	if err != nil {
		if terr := tell(api.Progress{State: api.StepFailed, Line: err.Error()}); terr != nil {
			return Kernel{}, terr
		}
		return Kernel{}, err
	}
	return k, tell(api.Progress{State: api.StepDone, Line: "the newest is " + k.Image.Name + " " + k.Image.Version})
}

func (a *Archive) search(ctx context.Context, v Version, sha256 string, tell func(api.Progress) error) (Kernel, error) {
	var all []Kernel
	var missing error
	for _, s := range suites(v.Series()) {
		kernels, stale, err := a.Index(ctx, s, func(done, total int64) error {
			return tell(api.Progress{State: api.StepRunning, Line: s.Name, Done: done, Total: total, Unit: "bytes"})
		})
		switch {
		case errors.Is(err, api.ErrNotExist), errors.Is(err, api.ErrUnreachable):
			missing = cmp.Or(missing, err)
			err = tell(api.Progress{State: api.StepWarning, Line: err.Error()})
		case err == nil && stale > 0:
			err = tell(api.Progress{State: api.StepWarning, Line: staleText(s, stale)})
		}
		if err != nil {
			return Kernel{}, err
		}
		all = append(all, kernels...)
	}
	if k, ok := newest(all, v, sha256); ok {
		return k, nil
	}
	if len(all) == 0 && missing != nil {
		return Kernel{}, missing
	}
	return Kernel{}, notFound(all, v, sha256)
}

// staleText says what an index that is past its time means: somebody could serve
// an older one to keep a newer kernel back, never one that Debian did not sign.
func staleText(s Suite, stale time.Duration) string {
	return fmt.Sprintf("%s: the mirror's index is %.0f days past its time; there may be newer kernels", s.Name, stale.Hours()/24)
}

// notFound says what there is instead.
func notFound(all []Kernel, v Version, sha256 string) error {
	cause := "no suite of Debian has it"
	if sha256 != "" {
		if k, ok := newest(all, v, ""); ok {
			cause = fmt.Sprintf("no suite of Debian has a package with the SHA-256 %s; the newest, %s, has %s", sha256, k.Image.Name, k.Image.SHA256)
		}
		return api.Errorf("find kernel", string(v), api.ErrNotExist, cause).WithHint("ebpfdev kernel list")
	}
	var names []string
	for _, k := range all {
		if string(v) == v.Series() {
			names = append(names, Version(k.Upstream()).Series())
		} else {
			names = append(names, k.Upstream(), k.Release())
		}
	}
	err := api.Errorf("find kernel", string(v), api.ErrNotExist, cause).WithHint("ebpfdev kernel list")
	if meant := near.Names(string(v), names, 3); len(meant) > 0 {
		err.Cause += "; there is " + strings.Join(meant, ", ")
		err = err.WithHint("ebpfdev kernel fetch " + meant[0])
	}
	return err
}
