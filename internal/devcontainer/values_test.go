package devcontainer

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func testEnv(name string) (string, bool) {
	value, ok := map[string]string{"HOME": "/home/u", "EMPTY": "", "LATER": "${devcontainerId}"}[name]
	return value, ok
}

func TestSubstitute(t *testing.T) {
	vars := Variables{
		LocalFolder: "/home/u/proj", ContainerFolder: "/workspaces/${localWorkspaceFolderBasename}",
		Env: testEnv, ID: "id52", ContainerEnv: map[string]string{"PATH": "/bin"},
	}
	for text, want := range map[string]string{
		"${localEnv:HOME}":                      "/home/u",
		"${env:HOME}/x":                         "/home/u/x",
		"${localEnv:NO}":                        "",
		"${localEnv:NO:default}":                "default",
		"${localEnv:NO:a:b}":                    "a",
		"${localEnv:EMPTY:default}":             "",
		"${localEnv:}":                          "",
		"${localEnv:LATER}":                     "id52",
		"${localWorkspaceFolder}":               "/home/u/proj",
		"${localWorkspaceFolderBasename}":       "proj",
		"${containerWorkspaceFolder}":           "/workspaces/proj",
		"${containerWorkspaceFolderBasename}":   "proj",
		"v-${devcontainerId}":                   "v-id52",
		"${containerEnv:PATH}:/more":            "/bin:/more",
		"${containerEnv:NO:d}":                  "d",
		"${unknown}":                            "${unknown}",
		"${ localEnv:HOME }":                    "${ localEnv:HOME }",
		"$HOME ${":                              "$HOME ${",
		"${localEnv:HOME}${localEnv:HOME}":      "/home/u/home/u",
		"${localEnv:NO:${localEnv:HOME}}":       "${localEnv}", // the first brace closes
		"${localWorkspaceFolder:ignored:parts}": "/home/u/proj",
	} {
		got, err := SubstituteText(text, vars)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	if _, err := SubstituteText("${localEnv}", vars); err == nil {
		t.Error("a variable without a name was accepted")
	}
	if got, err := SubstituteText("${containerEnv:PATH} ${devcontainerId} ${localEnv:X}", Variables{}); err != nil || !strings.Contains(got, "${containerEnv:PATH} ${devcontainerId} ${localEnv:X}") {
		t.Errorf("unknown yet: %q, %v", got, err)
	}
	keys, err := Substitute(map[string]any{"${localEnv:HOME}": []any{"${localEnv:HOME}", json.Number("1"), true, nil}}, vars)
	if want := map[string]any{"${localEnv:HOME}": []any{"/home/u", json.Number("1"), true, nil}}; err != nil || !reflect.DeepEqual(keys, want) {
		t.Errorf("keys: %v, %v", keys, err)
	}
}

// The values were computed with the reference's own expressions in Node.js.
func TestIdentity(t *testing.T) {
	for folder, want := range map[string]string{
		"/tmp/x":                      "0lvtagu0jfi6715f9gr5538rphasi4c2q3pd63mntefdbur53b19",
		"/home/ü/a \"b\" <&>\u2028\\": "0e3u35tr7qvvo96eci5nmtng1gp0t64jdes6nqan91us47vqi14b",
		"/a/tab\there":                "1p0929nsis8rji150qt5ndbbl3vhem2ehglm991sogt56hqdl1br",
	} {
		if id := ID(IDLabels(folder, folder+"/.devcontainer/devcontainer.json")); id != want {
			t.Errorf("%q: id %s, want %s", folder, id, want)
		}
	}
	for folder, want := range map[string]string{
		"/home/u/Proj":       "vsc-proj-ee952b4e17ef153dfc99423c15cc714cf2c0c6541b14b7af7458156b98f58c15",
		"/a/with space":      "vsc-withspace-73e89debf248347ac13d2dac1320e3e3c62675eb06bb7de23fc93b5530f10396",
		"/a/x._y":            "vsc-x.y-98a15d6e7f6867a4949e898bb8d672d9264ed3c05bc397e61b3650318f03303c",
		"/a/trailing-._name": "vsc-trailing-name-cb432de9afab716cc201fe19c3fd601df0169ae0dd18f9a09782c49ec73fed85",
		"/a/__x__":           "vsc-x__278261e270fd4a64343f07a4db1eeb5fce8aff0b9261ce9570ebea3c01b77f6d",
		"/a/Ünï-code":        "vsc-n-code-25250844617197c9886ecf7c109257a123032778cc0a637313f0ea8d7ac18743",
	} {
		if name := ImageName(folder); name != want {
			t.Errorf("%q: image %s, want %s", folder, name, want)
		}
	}
}

func TestParseMount(t *testing.T) {
	for text, want := range map[string]Mount{
		"type=bind,source=/a,target=/b":                                                    {Type: "bind", Source: "/a", Target: "/b"},
		"src=v,dst=/b":                                                                     {Type: "volume", Source: "v", Target: "/b"},
		`type=bind,"source=/a,b",destination=/b,readonly`:                                  {Type: "bind", Source: "/a,b", Target: "/b", ReadOnly: true},
		"type=bind,source=/a,target=/b,ro=false,consistency=cached":                        {Type: "bind", Source: "/a", Target: "/b", Consistency: "cached"},
		"type=tmpfs,target=/t,tmpfs-size=64m":                                              {Type: "tmpfs", Target: "/t", TmpfsSize: 64 << 20},
		"type=volume,source=b,target=/sys/fs/bpf,volume-opt=type=bpf,volume-opt=o=a=b":     {Type: "volume", Source: "b", Target: "/sys/fs/bpf", VolumeOpts: map[string]string{"type": "bpf", "o": "a=b"}},
		"type=bind,source=/a,target=/b,bind-propagation=rshared":                           {Type: "bind", Source: "/a", Target: "/b", Propagation: "rshared"},
		"type=volume,target=/anonymous,volume-nocopy=true,volume-label=a=b,volume-label=c": {Type: "volume", Target: "/anonymous", NoCopy: true, Labels: map[string]string{"a": "b", "c": ""}},
	} {
		got, err := ParseMount(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "type=bind,target=/b", "type=nfs,target=/b", "type=volume,source=a", "target=relative", "type=volume,target=/a,color=red",
		"type=volume,target=/a,readonly=maybe", "type=volume,target=/a,volume-driver=nfs", `"unclosed`, "type=tmpfs,target=/a,tmpfs-size=x",
	} {
		if m, err := ParseMount(text); err == nil {
			t.Errorf("%q was accepted: %+v", text, m)
		}
	}
}

func TestParseRunArgs(t *testing.T) {
	args := []string{
		"--privileged", "--init=false", "--pid=host", "--network", "host", "--cap-add=BPF", "--cap-add", "PERFMON",
		"--cap-drop=ALL", "--security-opt", "seccomp=unconfined", "--device=/dev/fuse", "-e", "A=1", "-eB=2", "-e", "HOME", "-e", "UNSET",
		"--env=C=3", "-u", "dev", "--ulimit", "memlock=-1", "--shm-size=1g", "--tmpfs", "/t:size=1m", "--sysctl", "a.b=1",
		"--add-host=h:1.2.3.4", "--hostname", "hh", "--name=nn", "--label", "l=1", "--cgroupns=host", "--userns=host", "--ipc=host",
		"--runtime=runc", "--group-add", "9", "--gpus=all", "--dns", "1.1.1.1", "-p", "80:80", "-v", "/a:/b:ro", "-v=vol:/v",
		"--mount", "type=tmpfs,target=/m", "-w", "/w", "--rm",
	}
	got, err := ParseRunArgs(args, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := Run{
		Name: "nn", Hostname: "hh", User: "dev", WorkingDir: "/w", Privileged: true, AutoRemove: true,
		CapAdd: []string{"BPF", "PERFMON"}, CapDrop: []string{"ALL"}, SecurityOpt: []string{"seccomp=unconfined"},
		Devices: []string{"/dev/fuse"}, PIDMode: "host", NetworkMode: "host", IPCMode: "host", CgroupNS: "host", UsernsMode: "host",
		Runtime: "runc", ShmSize: 1 << 30, Tmpfs: map[string]string{"/t": "size=1m"}, Sysctls: map[string]string{"a.b": "1"},
		Ulimits: []string{"memlock=-1"}, ExtraHosts: []string{"h:1.2.3.4"}, DNS: []string{"1.1.1.1"}, GroupAdd: []string{"9"},
		Ports: []string{"80:80"}, GPUs: "all", Env: []string{"A=1", "B=2", "HOME=/home/u", "C=3"}, Labels: map[string]string{"l": "1"},
		Mounts: []Mount{
			{Type: "bind", Source: "/a", Target: "/b", ReadOnly: true},
			{Type: "volume", Source: "vol", Target: "/v"},
			{Type: "tmpfs", Target: "/m"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, args := range [][]string{{"--memory=1g"}, {"-it"}, {"--pid"}, {"image"}, {"--"}, {"-"}, {"--shm-size=x"}, {"-v", "a:b"}, {"--privileged=maybe"}} {
		if _, err := ParseRunArgs(args, testEnv); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}

func TestMerge(t *testing.T) {
	f, err := Parse("d.json", []byte(`{"image":"x","remoteUser":"file","capAdd":["BPF","SYS_ADMIN"],"runArgs":["--init"],
		"mounts":["source=b,target=/one"],"containerEnv":{"A":"file"},"postCreateCommand":"second",
		"remoteEnv":{"PATH":"${containerEnv:PATH}:/x","GONE":null}}`))
	if err != nil {
		t.Fatal(err)
	}
	image := ParseMetadata(`[{"id":"feature","init":true,"capAdd":["BPF"],"remoteUser":"image","containerUser":"root","entrypoint":"/start",
		"mounts":[{"type":"volume","source":"a","target":"/one"},"source=c,target=/two"],"containerEnv":{"A":"image","B":"image"},
		"postCreateCommand":"first","forwardPorts":[8080]},{}]`)
	m, err := f.Merge(f.NewMetadata(image), Variables{ContainerEnv: map[string]string{"PATH": "/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	path := "/bin:/x"
	if m.RemoteUser != "file" || m.ContainerUser != "root" || !m.Init || m.Privileged {
		t.Errorf("users and flags: %+v", m)
	}
	if !reflect.DeepEqual(m.CapAdd, []string{"BPF", "SYS_ADMIN"}) || !reflect.DeepEqual(m.Entrypoints, []string{"/start"}) {
		t.Errorf("lists: %v %v", m.CapAdd, m.Entrypoints)
	}
	if !reflect.DeepEqual(m.Mounts, []Mount{{Type: "volume", Source: "c", Target: "/two"}, {Type: "volume", Source: "b", Target: "/one"}}) {
		t.Errorf("mounts: %+v", m.Mounts)
	}
	if !reflect.DeepEqual(m.ContainerEnv, map[string]string{"A": "file", "B": "image"}) || !reflect.DeepEqual(m.RemoteEnv, map[string]*string{"PATH": &path, "GONE": nil}) {
		t.Errorf("environments: %v %v", m.ContainerEnv, m.RemoteEnv)
	}
	if !reflect.DeepEqual(m.Lifecycle[PostCreate], []OriginHook{{"feature", Hook{{Shell: "first"}}}, {"devcontainer.json", Hook{{Shell: "second"}}}}) {
		t.Errorf("hooks: %+v", m.Lifecycle)
	}
	if !reflect.DeepEqual(m.ForwardPorts, []string{"8080"}) || !reflect.DeepEqual(m.RunArgs, []string{"--init"}) {
		t.Errorf("ports %v, runArgs %v", m.ForwardPorts, m.RunArgs)
	}
}

func TestContainerMetadata(t *testing.T) {
	f, err := Parse("d.json", []byte(`{"image":"x","remoteUser":"new","privileged":true,"postCreateCommand":"file"}`))
	if err != nil {
		t.Fatal(err)
	}
	label, err := FormatMetadata([]Entry{{"remoteUser": "old", "postCreateCommand": "label"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		label string
		user  string
		hook  string
		priv  bool
	}{
		"from the label": {label, "new", "label", false},
		"empty label":    {"[]", "new", "", false},
		"no label":       {"", "new", "file", true},
		"broken label":   {"{", "new", "", false},
		"one object":     {`{"postCreateCommand":"one"}`, "new", "one", false},
	} {
		m, err := f.Merge(f.ContainerMetadata(c.label), Variables{})
		if err != nil {
			t.Fatal(err)
		}
		hook := ""
		for _, h := range m.Lifecycle[PostCreate] {
			hook += h.Hook[0].Shell
		}
		if m.RemoteUser != c.user || hook != c.hook || m.Privileged != c.priv {
			t.Errorf("%s: user %q, hook %q, privileged %v", name, m.RemoteUser, hook, m.Privileged)
		}
	}
}

func TestAppPort(t *testing.T) {
	f, err := Parse("d.json", []byte(`{"image":"x","appPort":[3000,"8080:80"]}`))
	if err != nil {
		t.Fatal(err)
	}
	config, err := f.Config(Variables{})
	if err != nil || !reflect.DeepEqual(config.AppPorts, []string{"127.0.0.1:3000:3000", "8080:80"}) {
		t.Errorf("%v, %v", config.AppPorts, err)
	}
}
