package cli

import (
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// objectFlags are the flags of commands that load an object.
type objectFlags struct {
	attach []string
	set    []string
}

func (o *objectFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.attach, "attach", nil, "attach a program, as `PROGRAM=TARGET[,MODE]` (repeat for more; PROGRAM * for all)")
	addSetFlag(cmd, &o.set)
}

func addSetFlag(cmd *cobra.Command, set *[]string) {
	cmd.Flags().StringArrayVar(set, "set", nil, "give a global variable a value, as `NAME=VALUE` (repeat for more)")
}

// request fills in what the flags say.
func (o *objectFlags) request(req *api.LoadRequest) (err error) {
	if req.Attach, err = parseAttach(o.attach); err != nil {
		return err
	}
	req.Set, err = parseSet(o.set)
	return err
}

// flags are the same as words of a command.
func (o *objectFlags) flags() []string {
	var words []string
	for _, a := range o.attach {
		words = append(words, "--attach", a)
	}
	for _, s := range o.set {
		words = append(words, "--set", s)
	}
	return words
}

// parseAttach reads the values of --attach.
func parseAttach(specs []string) ([]api.AttachOption, error) {
	var opts []api.AttachOption
	for _, spec := range specs {
		o, ok := api.ParseAttach(spec)
		if !ok {
			return nil, api.Errorf("attach", spec, api.ErrUsage, "it is not of the form PROGRAM=TARGET[,MODE]").
				WithHint("ebpfdev load --attach count_packets=lo,generic")
		}
		opts = append(opts, o)
	}
	return opts, nil
}

// parseSet reads the values of --set.
func parseSet(specs []string) ([]api.Global, error) {
	var values []api.Global
	for _, spec := range specs {
		name, value, ok := strings.Cut(spec, "=")
		if !ok || name == "" {
			return nil, api.Errorf("set", spec, api.ErrUsage, "it is not of the form NAME=VALUE").
				WithHint("ebpfdev load --set target_pid=1234")
		}
		values = append(values, api.Global{Name: name, Value: value})
	}
	return values, nil
}

// refuseFor says of a flag that it does not go with a process.
func (o *objectFlags) refuseFor(op string, p program) error {
	if p.process == nil {
		return nil
	}
	flag := ""
	switch {
	case len(o.attach) > 0:
		flag = "--attach"
	case len(o.set) > 0:
		flag = "--set"
	default:
		return nil
	}
	return notForProcess(op, flag, p)
}

func notForProcess(op, flag string, p program) error {
	return api.Errorf(op, "", api.ErrUsage, flag+" is for objects: "+path.Base(p.process.Args[0])+" attaches its programs itself")
}
