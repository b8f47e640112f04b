package workspace_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
)

// readConfiguration asks the reference CLI, which must be there in CI.
func readConfiguration(t *testing.T, folder string) (configuration map[string]any, workspace struct{ WorkspaceFolder, WorkspaceMount string }) {
	t.Helper()
	path, err := exec.LookPath("devcontainer")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("the reference CLI is not here: npm install -g @devcontainers/cli")
	}
	// It also asks for containers; none is needed for what is compared.
	cmd := exec.CommandContext(t.Context(), path, "read-configuration", "--workspace-folder", folder, "--docker-path", fakeDocker(t))
	cmd.Env = append(os.Environ(), "COMPARE=value")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("read-configuration: %v: %s", err, out)
	}
	var answer struct {
		Configuration map[string]any
		Workspace     struct{ WorkspaceFolder, WorkspaceMount string }
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return answer.Configuration, answer.Workspace
}

// fakeDocker is a docker command that knows no container.
func fakeDocker(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "docker")
	script := "#!/bin/sh\ncase $1 in version) echo 26.1.5;; -v) echo Docker version 26.1.5;; buildx) exit 1;; esac\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAgreesWithTheReference(t *testing.T) {
	for name, text := range map[string]string{
		"variables": `{
			// comment
			"image": "x:${localEnv:COMPARE}",
			"name": "${localEnv:NOT_SET:default:cut} ${localEnv:COMPARE} ${env:COMPARE} ${unknown} ${localEnv:NOT_SET}",
			"containerEnv": {"A": "${localWorkspaceFolder}", "B": "${containerWorkspaceFolder}", "${localEnv:COMPARE}": "key"},
			"remoteEnv": {"P": "${containerEnv:PATH}", "N": null},
			"mounts": ["source=${localWorkspaceFolderBasename},target=/x", {"type": "volume", "source": "s", "target": "/${containerWorkspaceFolderBasename}"}],
			"postCreateCommand": {"a": ["echo", "${localWorkspaceFolder}"], "b": "echo $HOME ${ localEnv:COMPARE }"},
			"customizations": {"ebpfdev": {"x": ["${localEnv:COMPARE}", 1.50, true]}},
		}`,
		"own folder": `{"build": {"dockerfile": "Dockerfile"}, "workspaceFolder": "/src/${localWorkspaceFolderBasename}",
			"workspaceMount": "source=${localWorkspaceFolder},target=${containerWorkspaceFolder},type=bind"}`,
		"no mount":        `{"image": "x", "workspaceMount": "", "workspaceFolder": "/w"}`,
		"byte order mark": "\ufeff{\r\n\"image\": \"x\",\r\n\"name\": \"a\tb\",\r\n}",
		"duplicate":       `{"image": "a", "image": "b", "unknownThing": {"kept": [1]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "A folder, here")
			path := filepath.Join(folder, ".devcontainer", "devcontainer.json")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			want, workspace := readConfiguration(t, folder)
			delete(want, "configFilePath")

			f, err := devcontainer.Parse(path, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			vars := devcontainer.Variables{LocalFolder: folder, Env: func(name string) (string, bool) {
				if name == "COMPARE" {
					return "value", true
				}
				return os.LookupEnv(name)
			}}
			place, err := f.Place(folder, folder, "", vars)
			if err != nil {
				t.Fatal(err)
			}
			vars.ContainerFolder, _ = f.Raw["workspaceFolder"].(string)
			if vars.ContainerFolder == "" {
				vars.ContainerFolder = place.Folder
			}
			got, err := devcontainer.Substitute(f.Raw, vars)
			if err != nil {
				t.Fatal(err)
			}
			if place.Folder != workspace.WorkspaceFolder || place.Mount != workspace.WorkspaceMount {
				t.Errorf("place: %+v, the reference has %+v", place, workspace)
			}
			if !equalJSON(t, got, want) {
				t.Errorf("configuration:\n%s\nthe reference:\n%s", toJSON(t, got), toJSON(t, want))
			}
		})
	}
}

func toJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "1.50", "1.5")
}

func equalJSON(t *testing.T, a, b any) bool {
	t.Helper()
	var values [2]any
	for i, value := range []any{a, b} {
		if err := json.Unmarshal([]byte(toJSON(t, value)), &values[i]); err != nil {
			t.Fatal(err)
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}
