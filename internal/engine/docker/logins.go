package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/registry"
)

// hubKey is the name under which the docker command keeps Docker Hub's login.
const hubKey = "https://index.docker.io/v1/"

// logins finds what `docker login` stored. Whatever is missing or broken counts
// as no login: the registry then says what it thinks of that.
type logins struct{ cfg cliConfig }

func (env environ) logins() logins {
	cfg, err := readConfig(env.configDir())
	if err != nil {
		return logins{}
	}
	return logins{cfg}
}

// header returns the API's header for an image's registry, or nothing.
func (l logins) header(ctx context.Context, ref string) string {
	auth, ok := l.lookup(ctx, registryKey(ref))
	if !ok {
		return ""
	}
	raw, err := json.Marshal(auth)
	if err != nil {
		return ""
	}
	return base64.URLEncoding.EncodeToString(raw)
}

// all returns the logins that a build may need: those of the registries given.
func (l logins) all(ctx context.Context, refs []string) map[string]registry.AuthConfig {
	out := map[string]registry.AuthConfig{}
	for _, ref := range refs {
		key := registryKey(ref)
		if auth, ok := l.lookup(ctx, key); ok {
			out[key] = auth
		}
	}
	return out
}

// registryKey is the name under which the login for an image is kept.
func registryKey(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	if domain := reference.Domain(named); domain != "docker.io" {
		return domain
	}
	return hubKey
}

func (l logins) lookup(ctx context.Context, key string) (registry.AuthConfig, bool) {
	if key == "" {
		return registry.AuthConfig{}, false
	}
	helper := l.cfg.CredHelpers[key]
	if helper == "" {
		helper = l.cfg.CredsStore
	}
	if helper != "" {
		return askHelper(ctx, helper, key)
	}
	var stored struct{ Auth, IdentityToken string }
	raw, ok := l.cfg.Auths[key]
	if !ok || json.Unmarshal(raw, &stored) != nil {
		return registry.AuthConfig{}, false
	}
	plain, err := base64.StdEncoding.DecodeString(stored.Auth)
	user, password, found := strings.Cut(string(plain), ":")
	if err != nil || (!found && stored.IdentityToken == "") {
		return registry.AuthConfig{}, false
	}
	return registry.AuthConfig{
		Username: user, Password: strings.TrimRight(password, "\x00"),
		IdentityToken: stored.IdentityToken, ServerAddress: key,
	}, true
}

// askHelper asks one of the docker-credential programs that a person set up.
func askHelper(ctx context.Context, helper, key string) (registry.AuthConfig, bool) {
	if strings.ContainsAny(helper, "/\\") {
		return registry.AuthConfig{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker-credential-"+helper, "get")
	cmd.Stdin = strings.NewReader(key)
	raw, err := cmd.Output()
	var answer struct{ Username, Secret string }
	if err != nil || json.Unmarshal(raw, &answer) != nil || answer.Secret == "" {
		return registry.AuthConfig{}, false
	}
	auth := registry.AuthConfig{Username: answer.Username, Password: answer.Secret, ServerAddress: key}
	if answer.Username == "<token>" {
		auth.Username, auth.Password, auth.IdentityToken = "", "", answer.Secret
	}
	return auth, true
}
