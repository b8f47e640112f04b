package cli

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// processInWords says how a process that loads programs is, in one line.
func processInWords(p api.RunningProcess) string {
	name := append([]string{path.Base(p.Args[0])}, p.Args[1:]...)
	words := fmt.Sprintf("%s (pid %d)", strings.Join(name, " "), p.PID)
	if p.Ended == nil {
		return words
	}
	if p.Ended.Signal != 0 { // what it printed last is not why
		return words + fmt.Sprintf(" was killed by signal %d", p.Ended.Signal)
	}
	words += " ended by itself"
	if p.Ended.ExitCode >= 0 {
		words += fmt.Sprintf(" with exit code %d", p.Ended.ExitCode)
	}
	if n := len(p.Ended.Output); n > 0 {
		words += ": " + p.Ended.Output[n-1].Text
	}
	return words
}

// noteEnded says why a project has nothing in the kernel whose process ended by
// itself. It is a help beside a result, and no error when it cannot be had.
func (f *factory) noteEnded(ctx context.Context, s api.Session, project string) {
	if project == "" {
		return
	}
	list, err := s.ListProcesses(ctx, api.ListRequest{Project: project})
	if err != nil {
		return
	}
	for _, p := range list {
		if p.Ended != nil {
			f.note(processInWords(p) + `; "ebpfdev load" starts it anew`)
		}
	}
}

// attachments returns the links that match, and before them what processes have
// attached by perf events, which are no links and have the id 0.
func attachments(ctx context.Context, s api.Session, req api.ListRequest) ([]api.Link, error) {
	processes, err := s.ListProcesses(ctx, api.ListRequest{Project: req.Project})
	if err != nil {
		return nil, err
	}
	list := []api.Link{}
	names := map[uint32]string{}
	for _, p := range processes {
		if len(p.Attached) == 0 {
			continue
		}
		programs, err := s.ListPrograms(ctx, api.ListRequest{Project: p.Project})
		if err != nil {
			return nil, err
		}
		for _, program := range programs {
			names[program.ID] = program.Name
		}
		for _, a := range p.Attached {
			if name := names[a.ProgramID]; req.Name == "" || req.Name == name {
				list = append(list, api.Link{Type: "perf_event", ProgramID: a.ProgramID, Program: name, Target: a.Target, Project: p.Project})
			}
		}
	}
	links, err := s.ListLinks(ctx, req)
	return append(list, links...), err
}

// perfEvents returns what a load's process has attached by perf events, as links
// without an id: "link list" has them so.
func perfEvents(res api.LoadResult) []api.Link {
	links := []api.Link{}
	if res.Process == nil {
		return links
	}
	names := map[uint32]string{}
	for _, p := range res.Programs {
		names[p.ID] = p.Name
	}
	for _, a := range res.Process.Attached {
		links = append(links, api.Link{Type: "perf_event", ProgramID: a.ProgramID, Program: names[a.ProgramID], Target: a.Target, Project: res.Project})
	}
	return links
}

// linkID writes a link's id; an attachment that is no link has none.
func linkID(l api.Link) string {
	if l.ID == 0 {
		return "-"
	}
	return strconv.FormatUint(uint64(l.ID), 10)
}

func attachedInWords(l api.Link) string {
	if l.ID == 0 {
		return l.Target
	}
	return fmt.Sprintf("%s (link %d)", l.Target, l.ID)
}
