package workspace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	ebpf "github.com/ebpfdev/ebpfdev/internal/project"
	"github.com/ebpfdev/ebpfdev/internal/safe"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// checkPoints compares the attach points that the project's sources name with
// what the target has, before time is spent on a build. The sources are read on
// this side. Only what is surely missing is an error; where nothing can attach
// although the name is right, a line says so.
//
// Errors: ErrNotExist, for all that is missing; the context's.
func (s *projectSession) checkPoints(ctx context.Context, req api.BuildRequest, fn func(api.BuildEvent) error) error {
	dir := s.sources(req.Dir)
	if req.NoCheck || req.For == api.BuildForTypes || dir == "" {
		return nil
	}
	points, err := ebpf.Points(os.DirFS(dir), s.settings.Options(req.Attach), s.settings.Request(req).Run)
	if err != nil {
		return nil // the build says more about a folder that cannot be read
	}
	points = slices.DeleteFunc(points, func(p ebpf.Point) bool { return s.made(p, dir) })
	if len(points) == 0 {
		return nil
	}
	var ask api.ResolveRequest
	for _, p := range points {
		ask.Points = append(ask.Points, p.AttachPoint)
	}
	res, err := s.Resolve(ctx, ask)
	if err != nil || len(res.Points) != len(points) { // nothing can be told
		return ctx.Err()
	}
	for i, r := range res.Points {
		if r.State != api.PointThere || r.Reason == "" {
			continue
		}
		if err := fn(api.BuildEvent{Line: warning(points[i], r), Stderr: true}); err != nil {
			return err
		}
	}
	return s.missing(points, res.Points, dir)
}

// sources returns where this side has the folder that is built, or nothing.
func (s *projectSession) sources(dir string) string {
	switch {
	case s.Info().Target == string(api.TargetLocal):
		return dir
	case dir == s.Info().Dir:
		return s.folder
	default:
		return ""
	}
}

// made reports whether a point is in a file of the project's own, or in a library
// that its Makefile makes, which the build may make; or in a file that a guest
// kernel has none of.
func (s *projectSession) made(p ebpf.Point, dir string) bool {
	if p.Kind != api.PointUprobe {
		return false
	}
	if _, guest := api.TargetName(s.Info().Target).Kernel(); guest {
		return true
	}
	if strings.HasPrefix(p.Target, s.Info().Dir+"/") || strings.HasPrefix(p.Target, dir+"/") {
		return true
	}
	name, _, _ := strings.Cut(p.Target, ":")
	return !strings.Contains(name, "/") && makes(dir, name)
}

// makes reports whether a folder's Makefile has a rule or an option -o for a
// program or library.
func makes(dir, name string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "Makefile"))
	if err != nil {
		return false
	}
	name = regexp.QuoteMeta(strings.TrimPrefix(name, "lib"))
	rule, err := regexp.Compile(`(?m)(?:^|-o[ \t]*)(?:\S*/)?(?:lib)?` + name + `(?:\.so\S*)?(?:[ \t]*:(?:[^=]|$)|[ \t]|$)`)
	return err == nil && rule.Match(text)
}

// warning is a line that problem matchers read like a compiler's.
func warning(p ebpf.Point, r api.Resolution) string {
	if p.File == "" {
		return fmt.Sprintf("warning: %s: %s", place(p), r.Reason)
	}
	return fmt.Sprintf("%s:1: warning: %s: %s", place(p), p.Target, r.Reason)
}

// place is where a point is named.
func place(p ebpf.Point) string {
	if p.File == "" {
		return p.Program + "=" + p.Target
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// missing makes one error of all points that are not there. Its hint opens the
// first that a file names, at its line.
func (s *projectSession) missing(points []ebpf.Point, res []api.Resolution, dir string) error {
	var found *api.Error
	for i, r := range res {
		if r.State != api.PointMissing {
			continue
		}
		cause := r.Reason
		if len(r.Near) > 0 {
			cause += "; near: " + strings.Join(r.Near, ", ")
		}
		p := points[i]
		if p.Given {
			cause += `; "run" in devcontainer.json gives the name`
		}
		if found == nil {
			found = api.Errorf("check attach points", place(p), api.ErrNotExist, cause)
		} else {
			found.Cause += "\n  " + safe.Line(place(p)+": "+cause).String()
		}
		if found.Hint == "" && p.File != "" {
			path, line := filepath.Join(dir, filepath.FromSlash(p.File)), p.Line
			if p.Given {
				path, line = s.config, lineOf(s.config, `"run"`)
			}
			found.Hint = fmt.Sprintf("${EDITOR:-vi} +%d %s", line, shell.Quote(fromHere(path)))
		}
	}
	if found == nil {
		return nil // not a nil *api.Error
	}
	return found
}

// lineOf returns the first line of a file that begins with a text, or the first.
func lineOf(path, text string) int {
	data, err := os.ReadFile(path)
	if err != nil {
		return 1
	}
	for i, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), text) {
			return i + 1
		}
	}
	return 1
}

// fromHere returns a file's path as the present folder sees it, where that is
// above the file.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(here); err == nil {
		here = real
	}
	if rel, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
