package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func newCmdLinkDetach(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "detach ID",
		Short: "End an attachment",
		Long: `End one attachment, whoever made it, after showing what it is. The program stays
loaded as long as somebody holds it. Links of tracing programs and perf events end
only with who holds them, whom the error then names. What ebpfdev loaded for a
project, "ebpfdev unload" takes back as a whole.`,
		Example: `  ebpfdev link detach 7
  ebpfdev link detach 7 --yes`,
		Annotations: exits("4 it needs --yes, because there is nobody to ask"),
		Args:        exactArgs("ID"),
		RunE:        func(cmd *cobra.Command, args []string) error { return runLinkDetach(cmd.Context(), f, args[0]) },
	}
}

func runLinkDetach(ctx context.Context, f *factory, which string) error {
	id, err := strconv.ParseUint(which, 10, 32)
	if err != nil || id == 0 {
		return api.Errorf("detach", which, api.ErrUsage, "a link is named by its id").WithHint("ebpfdev link list")
	}
	return f.withSession(ctx, func(s api.Session) error {
		links, err := s.ListLinks(ctx, api.ListRequest{IDs: []uint32{uint32(id)}})
		if err != nil {
			return err
		}
		if len(links) == 0 {
			return notFound("link", which, nil)
		}
		what := fmt.Sprintf("link %d: %s, program %d %s", id, links[0].Target, links[0].ProgramID, links[0].Program)
		f.say("%s", line(what))
		if err := f.confirm(ctx, "detach", "Detach it?", "ebpfdev link detach "+which+" --yes"); err != nil {
			return err
		}
		if err := s.Detach(ctx, api.DetachRequest{LinkID: uint32(id)}); err != nil {
			return err
		}
		f.say("It is detached.")
		return nil
	})
}
