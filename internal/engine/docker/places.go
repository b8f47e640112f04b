package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// environ looks up environment variables; nil has none.
type environ func(string) (string, bool)

func (env environ) get(name string) string {
	if env == nil {
		return ""
	}
	v, _ := env(name)
	return v
}

// configDir is where the docker command keeps its settings.
func (env environ) configDir() string {
	if dir := env.get("DOCKER_CONFIG"); dir != "" {
		return dir
	}
	home := env.get("HOME")
	if home == "" {
		home = env.get("USERPROFILE")
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".docker")
}

// place is somewhere an engine may be.
type place struct {
	host       string // "unix:///var/run/docker.sock"
	from       string // who named it: "DOCKER_HOST", "context colima"; empty for a default
	certs      string // folder with ca.pem, cert.pem, key.pem; empty without TLS
	skipVerify bool
}

// places returns where to look for an engine, best first. An address that
// somebody chose is the only one.
func (env environ) places(host string) ([]place, error) {
	if host != "" {
		return []place{env.withTLS(place{host: host, from: "the given host"})}, nil
	}
	if host := env.get("DOCKER_HOST"); host != "" {
		return []place{env.withTLS(place{host: host, from: "DOCKER_HOST"})}, nil
	}
	name := env.get("DOCKER_CONTEXT")
	if name == "" {
		cfg, err := readConfig(env.configDir())
		if err != nil {
			return nil, err
		}
		name = cfg.CurrentContext
	}
	if name != "" && name != "default" {
		p, err := contextPlace(env.configDir(), name)
		if err != nil {
			return nil, err
		}
		return []place{p}, nil
	}
	return env.defaults(), nil
}

// withTLS adds what DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say to a TCP address.
func (env environ) withTLS(p place) place {
	verify := env.get("DOCKER_TLS_VERIFY") != ""
	certs := env.get("DOCKER_CERT_PATH")
	if !strings.HasPrefix(p.host, "tcp://") || (!verify && certs == "") {
		return p
	}
	if certs == "" {
		certs = env.configDir()
	}
	p.certs, p.skipVerify = certs, !verify
	return p
}

// defaults returns the sockets that engines use by themselves, Podman's last.
func (env environ) defaults() []place {
	if runtime.GOOS == "windows" {
		return []place{{host: client.DefaultDockerHost}, {host: "npipe:////./pipe/podman-machine-default"}}
	}
	places := []place{{host: "unix:///var/run/docker.sock"}}
	runDir := env.get("XDG_RUNTIME_DIR")
	if runDir != "" {
		places = append(places, place{host: "unix://" + filepath.Join(runDir, "docker.sock")})
	}
	if home := env.get("HOME"); home != "" {
		places = append(places, place{host: "unix://" + filepath.Join(home, ".docker", "run", "docker.sock")})
	}
	if runDir != "" {
		places = append(places, place{host: "unix://" + filepath.Join(runDir, "podman", "podman.sock")})
	}
	return append(places, place{host: "unix:///run/podman/podman.sock"})
}

// cliConfig is what we read of the docker command's config.json.
type cliConfig struct {
	CurrentContext string                     `json:"currentContext"`
	Auths          map[string]json.RawMessage `json:"auths"`
	CredsStore     string                     `json:"credsStore"`
	CredHelpers    map[string]string          `json:"credHelpers"`
}

// readConfig reads config.json; a folder without one has the zero value.
func readConfig(dir string) (cliConfig, error) {
	var cfg cliConfig
	if dir == "" {
		return cfg, nil
	}
	path := filepath.Join(dir, "config.json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return cfg, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &cfg)
	}
	if err != nil {
		return cfg, api.E("read the docker command's settings", path, api.ErrEnvironment, err)
	}
	return cfg, nil
}

// contextMeta is a context as the docker command stores it.
type contextMeta struct {
	Name      string
	Endpoints map[string]struct {
		Host          string
		SkipTLSVerify bool
	}
}

// contextPlace reads a context. Its folder is named by the hash of its name.
func contextPlace(dir, name string) (place, error) {
	const op = "read docker context"
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	raw, err := os.ReadFile(filepath.Join(dir, "contexts", "meta", id, "meta.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return place{}, api.Errorf(op, name, api.ErrEnvironment, "no such context").WithHint("docker context use default")
	}
	var meta contextMeta
	if err == nil {
		err = json.Unmarshal(raw, &meta)
	}
	if err != nil {
		return place{}, api.E(op, name, api.ErrEnvironment, err)
	}
	endpoint, ok := meta.Endpoints["docker"]
	if !ok || endpoint.Host == "" {
		return place{}, api.Errorf(op, name, api.ErrEnvironment, "it has no docker endpoint").WithHint("docker context use default")
	}
	p := place{host: endpoint.Host, from: "context " + name, skipVerify: endpoint.SkipTLSVerify}
	certs := filepath.Join(dir, "contexts", "tls", id, "docker")
	if _, err := os.Stat(certs); err == nil {
		p.certs = certs
	}
	return p, nil
}

// insecure reports whether the place is reached over TCP that anybody can read
// and write.
func (p place) insecure() bool {
	return p.certs == "" && (strings.HasPrefix(p.host, "tcp://") || strings.HasPrefix(p.host, "http://"))
}

// clientOptions checks the address and returns the client's options for it.
func (p place) clientOptions() ([]client.Opt, error) {
	scheme, rest, ok := strings.Cut(p.host, "://")
	if !ok || rest == "" {
		return nil, api.Errorf("open engine", p.String(), api.ErrUsage, "not an address such as unix:///var/run/docker.sock or tcp://HOST:2376").
			WithHint("unset DOCKER_HOST")
	}
	switch scheme {
	case "unix", "npipe", "tcp", "http", "https":
	case "ssh":
		return nil, api.Errorf("open engine", p.String(), api.ErrNotSupported, "ssh addresses are not supported; forward the socket").
			WithHint("ssh -nNTL /tmp/engine.sock:/var/run/docker.sock " + strings.TrimSuffix(rest, "/") + " & export DOCKER_HOST=unix:///tmp/engine.sock")
	default:
		return nil, api.Errorf("open engine", p.String(), api.ErrUsage, "unknown kind of address "+scheme).WithHint("unset DOCKER_HOST")
	}
	if p.insecure() && !loopback(p.host) {
		return nil, api.Errorf("open engine", p.String(), api.ErrUntrusted,
			"TCP without TLS to another machine gives everybody on the way root there").
			WithHint("export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=~/.docker")
	}
	opts := []client.Opt{client.WithUserAgent("ebpfdev")}
	if p.certs != "" {
		opts = append(opts, p.tlsOption())
	}
	return append(opts, client.WithHost(p.host)), nil
}

// tlsOption uses those of the three certificate files that are there.
func (p place) tlsOption() client.Opt {
	file := func(name string) string {
		path := filepath.Join(p.certs, name)
		if _, err := os.Stat(path); err != nil {
			return ""
		}
		return path
	}
	ca := file("ca.pem")
	if p.skipVerify {
		return insecureTLS(file("cert.pem"), file("key.pem"))
	}
	return client.WithTLSClientConfig(ca, file("cert.pem"), file("key.pem"))
}

// loopback reports whether an address stays on this machine.
func loopback(host string) bool {
	u, err := url.Parse(host)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

// otherwise is a command that looks for an engine elsewhere.
func (p place) otherwise() string {
	switch {
	case strings.HasPrefix(p.from, "context "):
		return "docker context use default"
	case p.from == "DOCKER_HOST":
		return "unset DOCKER_HOST"
	default:
		return "ebpfdev doctor"
	}
}

// String names the place and who chose it.
func (p place) String() string {
	if p.from == "" {
		return p.host
	}
	return p.host + " (" + p.from + ")"
}
