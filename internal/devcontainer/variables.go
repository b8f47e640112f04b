package devcontainer

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Variables are what ${...} in a configuration may refer to. A field that is
// empty or nil is not known yet: its variables are left as they are.
type Variables struct {
	LocalFolder     string                      // ${localWorkspaceFolder}
	ContainerFolder string                      // ${containerWorkspaceFolder}
	Env             func(string) (string, bool) // ${localEnv:NAME:default}
	ID              string                      // ${devcontainerId}
	ContainerEnv    map[string]string           // ${containerEnv:NAME:default}
}

var variable = regexp.MustCompile(`\$\{([^\n\r]*?)\}`)

// Substitute returns a copy of a decoded JSON value in which the variables of
// all strings are replaced; keys are left as they are. Three rounds as the
// reference makes them: the machine's, the container's identity, the
// container's environment; so a value of the environment may itself use the
// later ones. An unknown variable stays, a missing one of the environment is
// its default or empty. The only error is ErrUsage for ${localEnv} without a name.
func Substitute(value any, vars Variables) (any, error) {
	if vars.ContainerFolder != "" {
		folder, err := replaceAll(vars.ContainerFolder, vars.local)
		if err != nil {
			return nil, err
		}
		vars.ContainerFolder = folder
	}
	for _, round := range []replacer{vars.local, vars.identity, vars.container} {
		var err error
		if value, err = walk(value, round); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// SubstituteText is Substitute for one string.
func SubstituteText(text string, vars Variables) (string, error) {
	value, err := Substitute(text, vars)
	if err != nil {
		return "", err
	}
	return value.(string), nil
}

// replacer returns a variable's value and true, or false to leave it.
type replacer func(name string, args []string) (string, bool, error)

func walk(value any, replace replacer) (any, error) {
	switch v := value.(type) {
	case string:
		return replaceAll(v, replace)
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			var err error
			if list[i], err = walk(element, replace); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, element := range v {
			var err error
			if object[key], err = walk(element, replace); err != nil {
				return nil, err
			}
		}
		return object, nil
	default:
		return value, nil
	}
}

func replaceAll(text string, replace replacer) (string, error) {
	var failed error
	out := variable.ReplaceAllStringFunc(text, func(match string) string {
		parts := strings.Split(match[2:len(match)-1], ":")
		value, ok, err := replace(parts[0], parts[1:])
		if err != nil && failed == nil {
			failed = err
		}
		if !ok {
			return match
		}
		return value
	})
	return out, failed
}

func (v Variables) local(name string, args []string) (string, bool, error) {
	switch name {
	case "env", "localEnv":
		if v.Env == nil {
			return "", false, nil
		}
		return lookup(name, args, v.Env)
	case "localWorkspaceFolder":
		return v.LocalFolder, v.LocalFolder != "", nil
	case "localWorkspaceFolderBasename":
		return filepath.Base(v.LocalFolder), v.LocalFolder != "", nil
	case "containerWorkspaceFolder":
		return v.ContainerFolder, v.ContainerFolder != "", nil
	case "containerWorkspaceFolderBasename":
		return path.Base(v.ContainerFolder), v.ContainerFolder != "", nil
	default:
		return "", false, nil
	}
}

func (v Variables) identity(name string, _ []string) (string, bool, error) {
	return v.ID, name == "devcontainerId" && v.ID != "", nil
}

func (v Variables) container(name string, args []string) (string, bool, error) {
	if name != "containerEnv" || v.ContainerEnv == nil {
		return "", false, nil
	}
	return lookup(name, args, func(key string) (string, bool) {
		value, ok := v.ContainerEnv[key]
		return value, ok
	})
}

// lookup reads NAME or NAME:default; what follows a second colon is cut.
func lookup(name string, args []string, env func(string) (string, bool)) (string, bool, error) {
	if len(args) == 0 {
		return "", false, api.Errorf("substitute", "${"+name+"}", api.ErrUsage,
			fmt.Sprintf("no variable is named; write ${%s:NAME}", name))
	}
	if value, ok := env(args[0]); ok {
		return value, true, nil
	}
	if len(args) > 1 {
		return args[1], true, nil
	}
	return "", true, nil
}
