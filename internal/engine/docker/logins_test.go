package docker

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogins(t *testing.T) {
	dir := t.TempDir()
	cfg := `{"auths":{
		"https://index.docker.io/v1/":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("me:pass:word")) + `"},
		"registry.example:5000":{"auth":"broken"}},
		"credHelpers":{"helped.example":"../evil"}}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(cfg), 0o600); err != nil {
		t.Fatal(err)
	}
	l := envOf(map[string]string{"DOCKER_CONFIG": dir}).logins()
	raw, err := base64.URLEncoding.DecodeString(l.header(t.Context(), "debian:trixie"))
	if err != nil {
		t.Fatal(err)
	}
	var auth struct{ Username, Password string }
	if err := json.Unmarshal(raw, &auth); err != nil || auth.Username != "me" || auth.Password != "pass:word" {
		t.Errorf("%s %v", raw, err)
	}
	for _, ref := range []string{"registry.example:5000/x", "helped.example/x", "other.example/x", "Not A Name"} {
		if h := l.header(t.Context(), ref); strings.TrimSpace(h) != "" {
			t.Errorf("%s has a login: %s", ref, h)
		}
	}
}
