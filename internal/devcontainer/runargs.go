package devcontainer

import (
	"fmt"
	"slices"
	"strings"
)

// Run is what "runArgs" asks for, parsed from docker run's own options.
type Run struct {
	Name, Hostname, User, WorkingDir string
	Privileged, Init, AutoRemove     bool
	CapAdd, CapDrop, SecurityOpt     []string
	Devices                          []string
	PIDMode, NetworkMode, IPCMode    string
	CgroupNS, UsernsMode, Runtime    string
	ShmSize                          int64 // bytes
	Tmpfs                            map[string]string
	Sysctls                          map[string]string
	Ulimits                          []string
	ExtraHosts, DNS, GroupAdd        []string
	Ports                            []string // "8080", "8080:80", "127.0.0.1:8080:80/udp"
	GPUs                             string
	Env                              []string // KEY=VALUE
	Labels                           map[string]string
	Mounts                           []Mount
}

// longNames of the options that have a short one.
func longNames() map[byte]string {
	return map[byte]string{
		'e': "env", 'u': "user", 'p': "publish", 'v': "volume", 'l': "label",
		'h': "hostname", 'w': "workdir",
	}
}

// ParseRunArgs parses "runArgs". env gives the values of -e NAME; an option
// that cannot be honoured is refused by name.
func ParseRunArgs(args []string, env func(string) (string, bool)) (Run, error) {
	r := &Run{}
	for i := 0; i < len(args); i++ {
		name, value, given, err := splitOption(args[i])
		if err != nil {
			return Run{}, err
		}
		if flag := r.flag(name); flag != nil {
			if err := setFlag(flag, "--"+name, value, given); err != nil {
				return Run{}, err
			}
			continue
		}
		if !slices.Contains(valueOptions(), name) {
			return Run{}, fmt.Errorf("runArgs: option %q is not supported", args[i])
		}
		if !given {
			if i++; i == len(args) {
				return Run{}, fmt.Errorf("runArgs: option --%s needs a value", name)
			}
			value = args[i]
		}
		if err := r.set(name, value, env); err != nil {
			return Run{}, fmt.Errorf("runArgs: option --%s: %w", name, err)
		}
	}
	return *r, nil
}

// splitOption splits --name=value, --name, -xvalue, -x=value and -x.
func splitOption(arg string) (name, value string, given bool, err error) {
	if long, ok := strings.CutPrefix(arg, "--"); ok && long != "" {
		name, value, given = strings.Cut(long, "=")
		return name, value, given, nil
	}
	if len(arg) < 2 || arg[0] != '-' || arg[1] == '-' {
		return "", "", false, fmt.Errorf("runArgs: %q is not an option", arg)
	}
	name, ok := longNames()[arg[1]]
	if !ok {
		return "", "", false, fmt.Errorf("runArgs: option %q is not supported", arg)
	}
	value = strings.TrimPrefix(arg[2:], "=")
	return name, value, len(arg) > 2, nil
}

// flag returns where an option without a value goes, or nil.
func (r *Run) flag(name string) *bool {
	switch name {
	case "privileged":
		return &r.Privileged
	case "init":
		return &r.Init
	case "rm":
		return &r.AutoRemove
	default:
		return nil
	}
}

// text returns where an option with one value goes, or nil.
func (r *Run) text(name string) *string {
	switch name {
	case "name":
		return &r.Name
	case "hostname":
		return &r.Hostname
	case "user":
		return &r.User
	case "workdir":
		return &r.WorkingDir
	case "pid":
		return &r.PIDMode
	case "network", "net":
		return &r.NetworkMode
	case "ipc":
		return &r.IPCMode
	case "cgroupns":
		return &r.CgroupNS
	case "userns":
		return &r.UsernsMode
	case "runtime":
		return &r.Runtime
	case "gpus":
		return &r.GPUs
	default:
		return nil
	}
}

// list returns where an option that may be repeated goes, or nil.
func (r *Run) list(name string) *[]string {
	switch name {
	case "cap-add":
		return &r.CapAdd
	case "cap-drop":
		return &r.CapDrop
	case "security-opt":
		return &r.SecurityOpt
	case "device":
		return &r.Devices
	case "ulimit":
		return &r.Ulimits
	case "add-host":
		return &r.ExtraHosts
	case "dns":
		return &r.DNS
	case "group-add":
		return &r.GroupAdd
	case "publish":
		return &r.Ports
	default:
		return nil
	}
}

func valueOptions() []string {
	return []string{
		"name", "hostname", "user", "workdir", "pid", "network", "net", "ipc", "cgroupns", "userns",
		"runtime", "gpus", "cap-add", "cap-drop", "security-opt", "device", "ulimit", "add-host", "dns",
		"group-add", "publish", "env", "label", "shm-size", "tmpfs", "sysctl", "mount", "volume",
	}
}

func (r *Run) set(name, value string, env func(string) (string, bool)) error {
	if to := r.text(name); to != nil {
		*to = value
		return nil
	}
	if to := r.list(name); to != nil {
		*to = append(*to, value)
		return nil
	}
	var err error
	switch name {
	case "env":
		if !strings.Contains(value, "=") {
			text, ok := env(value)
			if !ok {
				return nil // as docker run: not set here, not set there
			}
			value += "=" + text
		}
		r.Env = append(r.Env, value)
	case "label":
		setPair(&r.Labels, value)
	case "sysctl":
		setPair(&r.Sysctls, value)
	case "tmpfs":
		target, options, _ := strings.Cut(value, ":")
		if r.Tmpfs == nil {
			r.Tmpfs = map[string]string{}
		}
		r.Tmpfs[target] = options
	case "shm-size":
		r.ShmSize, err = parseBytes(value)
	case "mount", "volume":
		parse := ParseMount
		if name == "volume" {
			parse = parseVolume
		}
		var m Mount
		if m, err = parse(value); err == nil {
			r.Mounts = append(r.Mounts, m)
		}
	}
	return err
}
