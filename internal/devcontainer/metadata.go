package devcontainer

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Entry is one object of a devcontainer.metadata label, before substitution.
type Entry map[string]any

// picked are the properties that travel in the metadata label.
func picked() []string {
	return []string{
		OnCreate, UpdateContent, PostCreate, PostStart, PostAttach, "waitFor", "customizations", "mounts",
		"containerEnv", "containerUser", "init", "privileged", "capAdd", "securityOpt", "remoteUser",
		"userEnvProbe", "remoteEnv", "overrideCommand", "portsAttributes", "otherPortsAttributes",
		"forwardPorts", "shutdownAction", "updateRemoteUserUID", "hostRequirements",
	}
}

// updatable are the properties that a changed devcontainer.json still decides
// for a container that was made from an older one.
func updatable() []string { return []string{"remoteUser", "userEnvProbe", "remoteEnv"} }

func pick(raw map[string]any, keys []string) Entry {
	entry := Entry{}
	for _, key := range keys {
		if value, ok := raw[key]; ok {
			entry[key] = value
		}
	}
	return entry
}

// ParseMetadata parses a devcontainer.metadata label: an array, or one object.
// A label that is neither counts as empty.
func ParseMetadata(label string) []Entry {
	var list []Entry
	if decodeJSON(label, &list) == nil {
		return slices.DeleteFunc(list, func(e Entry) bool { return len(e) == 0 })
	}
	var one Entry
	if decodeJSON(label, &one) == nil && len(one) > 0 {
		return []Entry{one}
	}
	return nil
}

// decodeJSON keeps numbers as they are written.
func decodeJSON(text string, to any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(to)
}

// FormatMetadata returns the label's text.
func FormatMetadata(entries []Entry) (string, error) {
	if entries == nil {
		entries = []Entry{}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return "", api.E("write", LabelMetadata, api.ErrFailed, err)
	}
	return string(text), nil
}

// NewMetadata returns the entries of a new container: those of its base image
// and what the file adds.
func (f *File) NewMetadata(image []Entry) []Entry {
	return appendEntry(slices.Clone(image), pick(f.Raw, picked()))
}

// ContainerMetadata returns the entries that hold for a container that is
// there. With a label it decides, except for the user and the environment, which
// the file may have changed since; without one the file decides all.
func (f *File) ContainerMetadata(label string) []Entry {
	if label == "" {
		return f.NewMetadata(nil)
	}
	return appendEntry(ParseMetadata(label), pick(f.Raw, updatable()))
}

func appendEntry(entries []Entry, entry Entry) []Entry {
	if len(entry) == 0 {
		return entries
	}
	return append(entries, entry)
}

// OriginHook is a hook and who asked for it.
type OriginHook struct {
	Origin string // "devcontainer.json" or a Feature's id
	Hook   Hook
}

// Merged is a configuration merged with metadata: what a container runs with.
type Merged struct {
	Config
	Entrypoints []string // of Features, in order
	Lifecycle   map[string][]OriginHook
}

// Merge merges metadata entries into the file's configuration, as the reference
// does: later entries win, lists of privileges are united, hooks are collected.
func (f *File) Merge(entries []Entry, vars Variables) (Merged, error) {
	config, err := f.Config(vars)
	if err != nil {
		return Merged{}, err
	}
	m := Merged{Config: config, Lifecycle: map[string][]OriginHook{}}
	m.resetMerged()
	for _, entry := range entries {
		value, err := Substitute(map[string]any(entry), vars)
		if err != nil {
			return Merged{}, err
		}
		d := &decoder{values: value.(map[string]any), fail: func(kind api.Kind, cause string, _ ...string) error {
			return api.Errorf("read", "image label "+LabelMetadata, kind, cause)
		}}
		part := decodeConfig(d)
		if d.err != nil {
			return Merged{}, d.err
		}
		origin, _ := entry["id"].(string)
		if origin == "" {
			origin = "devcontainer.json"
		}
		m.add(part, origin)
	}
	m.Mounts = lastByTarget(m.Mounts)
	return m, nil
}

// resetMerged clears what only the entries decide; the file is one of them.
func (m *Merged) resetMerged() {
	m.Mounts, m.CapAdd, m.SecurityOpt, m.ForwardPorts = nil, nil, nil, nil
	m.ContainerEnv, m.RemoteEnv = map[string]string{}, map[string]*string{}
	m.Init, m.Privileged, m.OverrideCommand, m.UpdateRemoteUserUID = false, false, nil, nil
	m.RemoteUser, m.ContainerUser, m.UserEnvProbe, m.WaitFor, m.ShutdownAction, m.GPU = "", "", "", "", "", ""
}

func (m *Merged) add(part Config, origin string) {
	m.Mounts = append(m.Mounts, part.Mounts...)
	m.CapAdd = union(m.CapAdd, part.CapAdd)
	m.SecurityOpt = union(m.SecurityOpt, part.SecurityOpt)
	m.ForwardPorts = union(m.ForwardPorts, part.ForwardPorts)
	maps.Copy(m.ContainerEnv, part.ContainerEnv)
	maps.Copy(m.RemoteEnv, part.RemoteEnv)
	m.Init = m.Init || part.Init
	m.Privileged = m.Privileged || part.Privileged
	if part.OverrideCommand != nil {
		m.OverrideCommand = part.OverrideCommand
	}
	if part.UpdateRemoteUserUID != nil {
		m.UpdateRemoteUserUID = part.UpdateRemoteUserUID
	}
	if part.Entrypoint != "" {
		m.Entrypoints = append(m.Entrypoints, part.Entrypoint)
	}
	for to, value := range map[*string]string{
		&m.RemoteUser: part.RemoteUser, &m.ContainerUser: part.ContainerUser, &m.UserEnvProbe: part.UserEnvProbe,
		&m.WaitFor: part.WaitFor, &m.ShutdownAction: part.ShutdownAction, &m.GPU: part.GPU,
	} {
		if value != "" {
			*to = value
		}
	}
	for _, name := range ContainerHooks() {
		if hook := part.Hooks[name]; len(hook) > 0 {
			m.Lifecycle[name] = append(m.Lifecycle[name], OriginHook{Origin: origin, Hook: hook})
		}
	}
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// lastByTarget keeps the last mount of each target.
func lastByTarget(mounts []Mount) []Mount {
	var kept []Mount
	for i, m := range mounts {
		later := slices.ContainsFunc(mounts[i+1:], func(o Mount) bool { return o.Target == m.Target })
		if !later {
			kept = append(kept, m)
		}
	}
	return kept
}
