package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/near"
)

// projectName is what a project may be called: a word for Go modules, file
// names and pins alike.
var projectName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// deviceName matches what Windows keeps for devices: no folder there, and no Go
// module anywhere, can have such a name.
var deviceName = regexp.MustCompile(`(?i)^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$`)

// check validates everything of a request but its folder.
func (c *Catalogue) check(req api.ScaffoldRequest) error {
	if !projectName.MatchString(req.Name) {
		return api.Errorf("create project", fmt.Sprintf("%q", req.Name), api.ErrUsage,
			"a name has letters, digits, '-' and '_', begins with a letter and is at most 64 long").
			WithHint("ebpfdev new my-probe --template ebpf-go --kind tracepoint")
	}
	if deviceName.MatchString(req.Name) {
		return api.Errorf("create project", req.Name, api.ErrUsage, "Windows keeps the name for a device").
			WithHint("ebpfdev new " + req.Name + "-probe --template ebpf-go --kind tracepoint")
	}
	f, ok := c.frameworks[req.Template]
	if !ok {
		known := c.ids()
		meant := nearest(req.Template, known)
		return api.Errorf("create project", req.Name, api.ErrUsage,
			fmt.Sprintf("unknown template %q; there is %s", req.Template, strings.Join(known, ", "))).
			WithHint(c.suggestion(req, meant, nearest(req.Kind, c.kinds(meant))))
	}
	if _, ok := f.kinds[req.Kind]; !ok {
		known := c.kinds(req.Template)
		return api.Errorf("create project", req.Name, api.ErrUsage,
			fmt.Sprintf("template %s has no kind %q; it has %s", req.Template, req.Kind, strings.Join(known, ", "))).
			WithHint(c.suggestion(req, req.Template, nearest(req.Kind, known)))
	}
	if err := checkValues(req, slices.Concat(f.Options, f.kinds[req.Kind].Options)); err != nil {
		return err
	}
	if slices.ContainsFunc(f.ReservedNames, func(n string) bool { return strings.EqualFold(n, req.Name) }) {
		return api.Errorf("create project", req.Name, api.ErrUsage, "the name means something else to the framework's tools").
			WithHint(command(api.ScaffoldRequest{Name: req.Name + "-probe", Template: req.Template, Kind: req.Kind}))
	}
	return nil
}

// kinds returns a framework's kinds, sorted.
func (c *Catalogue) kinds(framework string) []string {
	return slices.Sorted(maps.Keys(c.frameworks[framework].kinds))
}

// nearest returns what somebody may have meant: the name itself when it is known,
// the nearest one, else the first.
func nearest(name string, known []string) string {
	if slices.Contains(known, name) || len(known) == 0 {
		return name
	}
	if near := near.Names(name, known, 1); len(near) > 0 {
		return near[0]
	}
	return known[0]
}

// suggestion returns a command that works.
func (c *Catalogue) suggestion(req api.ScaffoldRequest, framework, kind string) string {
	if framework == "" || kind == "" {
		return ""
	}
	return command(api.ScaffoldRequest{Name: req.Name, Template: framework, Kind: kind, Options: req.Options})
}

// checkValues refuses values that no option has, and those that its pattern
// does not match.
func checkValues(req api.ScaffoldRequest, options []option) error {
	for _, name := range slices.Sorted(maps.Keys(req.Values)) {
		i := slices.IndexFunc(options, func(o option) bool { return o.Name == name })
		if i < 0 {
			return unknownOption(req, name, options)
		}
		if o := options[i]; !o.valid(req.Values[name]) {
			return api.Errorf("create project", req.Name, api.ErrUsage,
				fmt.Sprintf("option %s cannot be %q: %s", name, req.Values[name], o.Description)).
				WithHint(withValue(req, name, o.Name, o.Default))
		}
	}
	return nil
}

// unknownOption names the options that there are.
func unknownOption(req api.ScaffoldRequest, name string, options []option) error {
	known := make([]string, len(options))
	for i, o := range options {
		known[i] = o.Name
	}
	what := req.Template + "/" + req.Kind
	if len(known) == 0 {
		return api.Errorf("create project", req.Name, api.ErrUsage, fmt.Sprintf("%s has no options, so no %q", what, name)).
			WithHint(withValue(req, name, "", ""))
	}
	err := api.Errorf("create project", req.Name, api.ErrUsage, fmt.Sprintf("%s has no option %q; it has %s", what, name, strings.Join(known, ", ")))
	meant := near.Names(name, known, 1)
	if len(meant) == 0 {
		return err.WithHint("ebpfdev templates show " + what)
	}
	return err.WithHint(withValue(req, name, meant[0], req.Values[name]))
}

// withValue returns the command of a request with the value of an option
// replaced, or left out when to is empty.
func withValue(req api.ScaffoldRequest, from, to, value string) string {
	values := maps.Clone(req.Values)
	delete(values, from)
	if to != "" {
		values[to] = value
	}
	req.Values = values
	return command(req)
}
