package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type statusOptions struct {
	*factory
	output output.Choice
}

func newCmdStatus(f *factory) *cobra.Command {
	opts := &statusOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the workspace and its container are",
		Example: `  ebpfdev status
  ebpfdev status -o json | jq -r .state`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runStatus(cmd.Context(), opts) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runStatus(ctx context.Context, opts *statusOptions) error {
	return opts.withWorkspace(func(ws api.Workspace, folder string) error {
		st, err := ws.Status(ctx, api.StatusRequest{Folder: folder})
		if err != nil {
			return err
		}
		processes := opts.processes(ctx, ws, st)
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, struct {
				api.Status
				Processes []api.RunningProcess `json:"processes,omitempty"`
			}{st, processes})
		}
		return opts.writeStatus(st, processes)
	})
}

// processes returns the processes that load a project's programs, where its
// framework works that way. What cannot be had is not shown.
func (o *statusOptions) processes(ctx context.Context, ws api.Workspace, st api.Status) []api.RunningProcess {
	if st.State != "running" || !compiledLater(st.Framework) {
		return nil
	}
	s, err := ws.Open(ctx, api.OpenRequest{Folder: st.Folder, Target: api.TargetContainer})
	if err != nil {
		return nil
	}
	defer s.Close()
	list, err := s.ListProcesses(ctx, api.ListRequest{Project: st.Project})
	if err != nil {
		return nil
	}
	return list
}

func (o *statusOptions) writeStatus(st api.Status, processes []api.RunningProcess) error {
	var fields output.Fields
	fields.Add("folder", st.Folder)
	fields.Add("config", st.Config)
	fields.Add("project", st.Project)
	fields.Add("framework", st.Framework)
	style := output.Dim
	if st.State == "running" {
		style = output.Green
	}
	fields.Add("state", output.Styled{Style: style, Value: stateInWords(st)})
	fields.Add("container", st.Container)
	fields.Add("image", st.Image)
	if !st.StartedAt.IsZero() {
		fields.Add("started", o.when(st.StartedAt))
	}
	fields.Add("user", st.RemoteUser)
	fields.Add("inside", st.RemoteFolder)
	fields.Add("engine", st.Engine)
	for _, p := range processes {
		fields.Add("process", processInWords(p))
	}
	switch {
	case o.verbose:
		for _, v := range st.Volumes {
			fields.Add("volume", v)
		}
	case len(st.Volumes) > 0:
		fields.Add("volumes", strconv.Itoa(len(st.Volumes))+" (-v names them)")
	}
	if err := fields.Write(o.io.Out, o.out()); err != nil {
		return err
	}
	switch {
	case st.Changed:
		o.note("the configuration is newer than the container; ebpfdev up --rebuild makes it anew")
	case st.State == "none":
		o.note("there is no container; ebpfdev up makes one")
	}
	return nil
}

func stateInWords(st api.Status) string {
	switch {
	case st.State == "none":
		return "no container"
	case st.OOMKilled:
		return st.State + " (it ran out of memory)"
	case st.State == "exited" && st.ExitCode != 0:
		return st.State + " (exit code " + strconv.Itoa(st.ExitCode) + ")"
	default:
		return st.State
	}
}

// when writes a time: for people how long ago, for a pipe RFC 3339.
func (f *factory) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if !f.io.OutTTY() {
		return t.UTC().Format(time.RFC3339)
	}
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s ago"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min ago"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h ago"
	default:
		return strconv.Itoa(int(d.Hours())/24) + " days ago"
	}
}
