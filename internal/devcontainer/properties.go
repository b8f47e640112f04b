package devcontainer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// decodeConfig reads the properties of a configuration or a metadata entry.
func decodeConfig(d *decoder) Config {
	c := Config{
		Image:               d.text("image"),
		Build:               decodeBuild(d),
		Mounts:              decodeMounts(d),
		RunArgs:             d.texts("runArgs"),
		AppPorts:            decodePorts(d, "appPort"),
		ForwardPorts:        decodePorts(d, "forwardPorts"),
		ContainerEnv:        d.strings("containerEnv"),
		RemoteEnv:           d.scalars("remoteEnv"),
		ContainerUser:       d.text("containerUser"),
		RemoteUser:          d.text("remoteUser"),
		UpdateRemoteUserUID: d.flag("updateRemoteUserUID"),
		UserEnvProbe:        d.oneOf("userEnvProbe", "none", "loginInteractiveShell", "interactiveShell", "loginShell"),
		OverrideCommand:     d.flag("overrideCommand"),
		Init:                d.on("init"),
		Privileged:          d.on("privileged"),
		CapAdd:              d.texts("capAdd"),
		SecurityOpt:         d.texts("securityOpt"),
		Entrypoint:          d.text("entrypoint"),
		WaitFor:             d.oneOf("waitFor", Initialize, OnCreate, UpdateContent, PostCreate, PostStart),
		ShutdownAction:      d.oneOf("shutdownAction", "none", "stopContainer", "stopCompose"),
		GPU:                 decodeGPU(d),
		Hooks:               map[string]Hook{},
	}
	// Read as they stand by Place and by each tool; here their forms are checked.
	for _, name := range []string{"name", "workspaceFolder", "workspaceMount"} {
		d.text(name)
	}
	d.object("customizations")
	for _, name := range append([]string{Initialize}, ContainerHooks()...) {
		if hook := decodeHook(d, name); len(hook) > 0 {
			c.Hooks[name] = hook
		}
	}
	return c
}

func decodeBuild(d *decoder) *Build {
	sub := d.object("build")
	old := d.text("dockerFile")
	oldContext := d.text("context")
	if sub.values == nil && old == "" {
		return nil
	}
	b := &Build{
		Dockerfile: sub.text("dockerfile"),
		Context:    sub.text("context"),
		Args:       sub.strings("args"),
		Target:     sub.text("target"),
		CacheFrom:  sub.textOrTexts("cacheFrom"),
	}
	if old != "" {
		b.Dockerfile, b.Context = old, oldContext
	}
	b.options(sub)
	for _, key := range sub.unused() {
		sub.report(api.ErrNotSupported, fmt.Sprintf("build property %q is not supported", key), key)
	}
	d.join(sub)
	if b.Dockerfile == "" {
		return nil
	}
	return b
}

// options takes those options of docker build that change what is built.
func (b *Build) options(d *decoder) {
	options := d.texts("options")
	for i := 0; i < len(options); i++ {
		name, value, given := strings.Cut(options[i], "=")
		switch name {
		case "--no-cache":
			b.NoCache = true
			continue
		case "--pull":
			b.Pull = true
			continue
		}
		if !slices.Contains([]string{"--network", "--build-arg", "--label", "--target", "--cache-from"}, name) {
			d.report(api.ErrNotSupported, fmt.Sprintf("build option %q is not supported", options[i]), "options")
			return
		}
		if !given {
			if i++; i == len(options) {
				d.report(api.ErrUsage, fmt.Sprintf("build option %s needs a value", name), "options")
				return
			}
			value = options[i]
		}
		switch name {
		case "--network":
			b.Network = value
		case "--build-arg":
			setPair(&b.Args, value)
		case "--label":
			setPair(&b.Labels, value)
		case "--target":
			b.Target = value
		case "--cache-from":
			b.CacheFrom = append(b.CacheFrom, value)
		}
	}
}

func decodeMounts(d *decoder) []Mount {
	var mounts []Mount
	for i, value := range d.array("mounts") {
		var m Mount
		var err error
		switch v := value.(type) {
		case string:
			m, err = ParseMount(v)
		case map[string]any:
			m, err = mountObject(v)
		default:
			err = fmt.Errorf("mount must be a string or an object, not %s", describe(value))
		}
		if err != nil {
			d.report(api.ErrUsage, err.Error(), "mounts", fmt.Sprint(i))
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts
}

func mountObject(values map[string]any) (Mount, error) {
	m := Mount{Type: "volume"}
	for key, value := range values {
		text, ok := scalar(value)
		if !ok {
			return Mount{}, fmt.Errorf("mount: %q must be a string, not %s", key, describe(value))
		}
		if key == "external" {
			continue // of Docker Compose: the volume is there already
		}
		if err := m.set(key, text, true); err != nil {
			return Mount{}, fmt.Errorf("mount: %w", err)
		}
	}
	if err := m.check(); err != nil {
		return Mount{}, fmt.Errorf("mount: %w", err)
	}
	return m, nil
}

// decodePorts reads a port, a mapping or an array of them. A bare number is
// published on the loopback address alone, as the reference does.
func decodePorts(d *decoder, key string) []string {
	value, ok := d.take(key)
	if !ok {
		return nil
	}
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	var ports []string
	for _, element := range list {
		text, ok := scalar(element)
		if !ok {
			d.wrong(key, "a port, a mapping or an array of them")
			return nil
		}
		if _, isText := element.(string); !isText && key == "appPort" {
			text = "127.0.0.1:" + text + ":" + text
		}
		ports = append(ports, text)
	}
	return ports
}

func decodeGPU(d *decoder) string {
	switch v := d.object("hostRequirements").values["gpu"].(type) {
	case string:
		return v
	case bool:
		if v {
			return "required"
		}
	case map[string]any:
		return "required"
	}
	return ""
}

func decodeHook(d *decoder, key string) Hook {
	value, ok := d.take(key)
	if !ok || value == nil {
		return nil
	}
	values, isObject := value.(map[string]any)
	if !isObject {
		command, ok := decodeCommand(d, value, key)
		if !ok {
			d.wrong(key, "a string, an array of strings or an object of those")
		}
		return Hook{command}.used()
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var hook Hook
	for _, name := range names {
		command, ok := decodeCommand(d, values[name], key)
		if !ok {
			d.report(api.ErrUsage, fmt.Sprintf("%q in %q must be a string or an array of strings, not %s",
				name, key, describe(values[name])), key, name)
		}
		command.Name = name
		hook = append(hook, command)
	}
	return hook.used()
}

func decodeCommand(d *decoder, value any, key string) (Command, bool) {
	switch v := value.(type) {
	case string:
		return Command{Shell: v}, true
	case []any:
		return Command{Args: d.toTexts(key, v)}, true
	default:
		return Command{}, false
	}
}

// used drops commands with nothing to execute.
func (h Hook) used() Hook {
	return slices.DeleteFunc(h, Command.Empty)
}
