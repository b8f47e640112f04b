package cli

import (
	"path"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// objectFlags are the flags of commands that load an object.
type objectFlags struct {
	attach []string
	set    []string
	maps   []string
	reuse  bool
}

func (o *objectFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.attach, "attach", nil, "attach a program, as `PROGRAM=TARGET[,MODE]` (repeat for more; PROGRAM * for all)")
	addSetFlag(cmd, &o.set)
	cmd.Flags().StringArrayVar(&o.maps, "map", nil, "define a map in another way, as `NAME=max_entries:N,pin:PATH` (repeat for more)")
	cmd.Flags().BoolVar(&o.reuse, "reuse-maps", false, "with --replace: take over the maps with their entries")
}

func addSetFlag(cmd *cobra.Command, set *[]string) {
	cmd.Flags().StringArrayVar(set, "set", nil, "give a global variable a value, as `NAME=VALUE` (repeat for more)")
}

// request fills in what the flags say.
func (o *objectFlags) request(req *api.LoadRequest) (err error) {
	if req.Attach, err = parseAttach(o.attach); err != nil {
		return err
	}
	if req.Set, err = parseSet(o.set); err != nil {
		return err
	}
	req.Maps, err = parseMaps(o.maps)
	req.ReuseMaps = o.reuse
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
	for _, m := range o.maps {
		words = append(words, "--map", m)
	}
	if o.reuse {
		words = append(words, "--reuse-maps")
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

// parseMaps reads the values of --map.
func parseMaps(specs []string) ([]api.MapOption, error) {
	var opts []api.MapOption
	for _, spec := range specs {
		refused := api.Errorf("map", spec, api.ErrUsage, "it is not of the form NAME=max_entries:N,pin:PATH").
			WithHint("ebpfdev load --map counts=max_entries:65536")
		name, text, ok := strings.Cut(spec, "=")
		if !ok || name == "" {
			return nil, refused
		}
		o := api.MapOption{Name: name}
		for word := range strings.SplitSeq(text, ",") {
			key, value, _ := strings.Cut(word, ":")
			n, err := strconv.ParseUint(value, 0, 32)
			switch {
			case key == "max_entries" && err == nil && n > 0:
				o.MaxEntries = uint32(n)
			case key == "pin" && value != "":
				o.Pin = value
			default:
				return nil, refused
			}
		}
		opts = append(opts, o)
	}
	return opts, nil
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
	case len(o.maps) > 0:
		flag = "--map"
	case o.reuse:
		flag = "--reuse-maps"
	default:
		return nil
	}
	return notForProcess(op, flag, p)
}

func notForProcess(op, flag string, p program) error {
	return api.Errorf(op, "", api.ErrUsage, flag+" is for objects: "+path.Base(p.process.Args[0])+" attaches its programs itself")
}
