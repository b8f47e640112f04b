package devcontainer

import (
	"encoding/csv"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Mount is one mount of the container.
type Mount struct {
	Type        string // "bind", "volume", "tmpfs"
	Source      string // host path or volume name
	Target      string // absolute path in the container
	ReadOnly    bool
	Consistency string
	Propagation string            // bind
	VolumeOpts  map[string]string // volume: options of the local driver
	Labels      map[string]string // volume
	NoCopy      bool              // volume
	TmpfsSize   int64             // bytes
}

// ParseMount parses a mount as docker run --mount takes it: comma-separated
// key=value pairs, a field with a comma in double quotes. Options that we do
// not know are refused by name.
func ParseMount(text string) (Mount, error) {
	reader := csv.NewReader(strings.NewReader(text))
	fields, err := reader.Read()
	if err != nil {
		return Mount{}, fmt.Errorf("mount %q: %w", text, err)
	}
	m := Mount{Type: "volume"}
	for _, field := range fields {
		key, value, given := strings.Cut(field, "=")
		if err := m.set(strings.ToLower(strings.TrimSpace(key)), value, given); err != nil {
			return Mount{}, fmt.Errorf("mount %q: %w", text, err)
		}
	}
	if err := m.check(); err != nil {
		return Mount{}, fmt.Errorf("mount %q: %w", text, err)
	}
	return m, nil
}

func (m *Mount) set(key, value string, given bool) error {
	switch key {
	case "readonly", "ro":
		return setFlag(&m.ReadOnly, key, value, given)
	case "volume-nocopy":
		return setFlag(&m.NoCopy, key, value, given)
	}
	if !given {
		return fmt.Errorf("option %q needs a value", key)
	}
	switch key {
	case "type":
		m.Type = strings.ToLower(value)
	case "source", "src":
		m.Source = value
	case "target", "dst", "destination":
		m.Target = value
	case "consistency":
		m.Consistency = strings.ToLower(value)
	case "bind-propagation":
		m.Propagation = strings.ToLower(value)
	case "volume-opt":
		setPair(&m.VolumeOpts, value)
	case "volume-label":
		setPair(&m.Labels, value)
	case "volume-driver":
		if value != "" && value != "local" {
			return fmt.Errorf("volume driver %q is not supported", value)
		}
	case "tmpfs-size":
		size, err := parseBytes(value)
		if err != nil {
			return fmt.Errorf("option tmpfs-size: %w", err)
		}
		m.TmpfsSize = size
	default:
		return fmt.Errorf("option %q is not supported", key)
	}
	return nil
}

func (m *Mount) check() error {
	switch m.Type {
	case "bind", "volume", "tmpfs":
	default:
		return fmt.Errorf("type %q is not supported", m.Type)
	}
	if !path.IsAbs(m.Target) {
		return fmt.Errorf("target %q is not an absolute path", m.Target)
	}
	if m.Type == "bind" && m.Source == "" {
		return fmt.Errorf("a bind mount needs a source")
	}
	return nil
}

func setFlag(to *bool, key, value string, given bool) error {
	if !given || value == "" {
		*to = true
		return nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("option %s: %q is neither true nor false", key, value)
	}
	*to = on
	return nil
}

func setPair(to *map[string]string, text string) {
	if *to == nil {
		*to = map[string]string{}
	}
	key, value, _ := strings.Cut(text, "=")
	(*to)[key] = value
}

// parseVolume parses docker run -v: SOURCE:TARGET[:OPTIONS], or TARGET alone for
// an anonymous volume.
func parseVolume(text string) (Mount, error) {
	parts := strings.Split(text, ":")
	var m Mount
	switch len(parts) {
	case 1:
		m = Mount{Type: "volume", Target: parts[0]}
	case 2, 3:
		m = Mount{Type: "volume", Source: parts[0], Target: parts[1]}
		if strings.ContainsAny(parts[0], "/~") || strings.HasPrefix(parts[0], ".") {
			m.Type = "bind"
		}
	default:
		return Mount{}, fmt.Errorf("volume %q: too many colons", text)
	}
	if len(parts) == 3 {
		for option := range strings.SplitSeq(parts[2], ",") {
			switch option {
			case "ro", "readonly":
				m.ReadOnly = true
			case "rw", "z", "Z", "":
			case "nocopy":
				m.NoCopy = true
			case "shared", "slave", "private", "rshared", "rslave", "rprivate":
				m.Propagation = option
			case "cached", "consistent", "delegated":
				m.Consistency = option
			default:
				return Mount{}, fmt.Errorf("volume %q: option %q is not supported", text, option)
			}
		}
	}
	if m.Type == "bind" && !path.IsAbs(m.Source) {
		return Mount{}, fmt.Errorf("volume %q: %q is not an absolute path", text, m.Source)
	}
	if err := m.check(); err != nil {
		return Mount{}, fmt.Errorf("volume %q: %w", text, err)
	}
	return m, nil
}

// parseBytes parses a size with an optional unit b, k, m, g or t (powers of 1024).
func parseBytes(text string) (int64, error) {
	lower := strings.ToLower(strings.TrimSpace(text))
	lower = strings.TrimSuffix(strings.TrimSuffix(lower, "b"), "i")
	shift := 0
	if n := len(lower); n > 0 {
		if i := strings.IndexByte("kmgt", lower[n-1]); i >= 0 {
			shift = 10 * (i + 1)
			lower = strings.TrimSpace(lower[:n-1])
		}
	}
	value, err := strconv.ParseFloat(lower, 64)
	if err != nil || value < 0 || value > float64(int64(1)<<62>>shift) {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	return int64(value * float64(int64(1)<<shift)), nil
}
