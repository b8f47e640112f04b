package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type headersOptions struct {
	*factory
	force  bool
	output output.Choice
}

// Headers is what `ebpfdev headers -o json` prints.
type Headers struct {
	Source  string `json:"source"`            // "present", "mount", "kheaders", "package" or "nearest"; "not needed" for none
	Path    string `json:"path,omitempty"`    // a folder, or the kernel's own archive
	Version string `json:"version,omitempty"` // of the kernel that they are for
	Warning string `json:"warning,omitempty"` // when that is another than the one that runs
	Reason  string `json:"reason,omitempty"`  // why none are needed
}

func newCmdHeaders(f *factory) *cobra.Command {
	opts := &headersOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "headers",
		Short: "Find the running kernel's headers and link them to where compilers look",
		Long: `Find headers of the running kernel, which BCC and module builds need, and link
/lib/modules/RELEASE/build and source to them in the workspace's container. The
first that has some counts: they are there already (present), the machine that
runs the engine (mount), the kernel itself (kheaders), the distribution's package
for exactly this kernel (package), or the nearest one of the image (nearest).
Outside a container nothing is changed. Projects of other frameworks need none, and
get none without --force.`,
		Example: `  ebpfdev headers
  ebpfdev headers -o json | jq -r .path`,
		Annotations: exits("3 there are none, and why"),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runHeaders(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVar(&opts.force, "force", false, "find them also for a project that needs none")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runHeaders(ctx context.Context, opts *headersOptions) error {
	if why := opts.needless(ctx); why != "" && !opts.force {
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, Headers{Source: "not needed", Reason: why})
		}
		_, err := fmt.Fprintf(opts.io.Out, "kernel headers: not needed: %s\n", why)
		opts.say("\"ebpfdev headers --force\" finds them all the same.")
		return err
	}
	h, err := opts.findHeaders(ctx)
	if err != nil {
		return err
	}
	if opts.output.Format == output.FormatJSON {
		return output.JSON(opts.io.Out, h)
	}
	if h.Warning != "" {
		opts.note(h.Warning)
	}
	_, err = fmt.Fprintf(opts.io.Out, "kernel headers: %s %s (%s)\n", line(h.Source), line(h.Path), line(h.Version))
	return err
}

// needless says why the project needs no headers, "" when it may.
func (o *headersOptions) needless(ctx context.Context) string {
	framework := ""
	err := o.withWorkspace(func(ws api.Workspace, folder string) error {
		status, err := ws.Status(ctx, api.StatusRequest{Folder: folder})
		framework = status.Framework
		return err
	})
	if err != nil { // no project, or one that cannot be told of
		return ""
	}
	switch framework {
	case "libbpf":
		return "a libbpf project is compiled against the kernel's types in BTF (vmlinux.h)"
	case "ebpf-go":
		return "an ebpf-go project is compiled against the kernel's types in BTF (vmlinux.h)"
	case "aya":
		return "an aya project is compiled without the kernel's types"
	case "bpftrace":
		return "bpftrace reads the kernel's types from BTF"
	}
	return ""
}

// findHeaders runs the script that BCC projects have as scripts/headers.sh.
func (o *headersOptions) findHeaders(ctx context.Context) (Headers, error) {
	const op = "find kernel headers"
	script, err := o.deps.HeadersScript()
	if err != nil {
		return Headers{}, api.E(op, "", api.ErrInvalid, err)
	}
	stdout, stderr := &head{}, &head{}
	streams := api.Streams{In: bytes.NewReader(script), Out: stdout, Err: stderr}
	code, err := o.runAsRoot(ctx, []string{"sh", "-s", "--", "--porcelain"}, streams)
	if err != nil {
		return Headers{}, err
	}
	said := said(stderr.String())
	switch {
	case code == api.ErrEnvironment.ExitCode() && said["error"] != "":
		return Headers{}, api.Errorf(op, "", api.ErrEnvironment, said["error"]).WithHint(said["hint"])
	case code != 0:
		return Headers{}, &api.ToolError{Tool: "headers.sh", ExitCode: code, Stderr: stderr.String()}
	}
	fields := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\t")
	if len(fields) != 3 {
		return Headers{}, api.Errorf(op, "", api.ErrInvalid, fmt.Sprintf("headers.sh printed %q", stdout.String()))
	}
	return Headers{Source: fields[0], Path: fields[1], Version: fields[2], Warning: said["warning"]}, nil
}

// runAsRoot runs a command where the flags say that kernel work happens.
func (o *headersOptions) runAsRoot(ctx context.Context, args []string, streams api.Streams) (int, error) {
	target := api.TargetName(o.target)
	if target == api.TargetAuto { // a session chooses
		if err := o.withSession(ctx, func(api.Session) error { return nil }); err != nil {
			return 0, err
		}
		target = o.opened
	}
	if target == api.TargetLocal {
		return o.deps.Run(ctx, args, streams)
	}
	code := 0
	err := o.withWorkspace(func(ws api.Workspace, folder string) (err error) {
		code, err = ws.Exec(ctx, api.ExecRequest{Folder: folder, Args: args, User: "root", Dir: "/", Streams: streams})
		return err
	})
	return code, err
}

// said parts lines such as "error: text" into kind and text.
func said(lines string) map[string]string {
	m := map[string]string{}
	for each := range strings.Lines(lines) {
		if kind, text, ok := strings.Cut(strings.TrimSpace(each), ": "); ok {
			m[kind] = text
		}
	}
	return m
}

// head keeps the beginning of what is written to it.
type head struct{ strings.Builder }

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	const most = 64 << 10
	h.Builder.Write(p[:min(len(p), most-h.Len())])
	return len(p), nil
}
