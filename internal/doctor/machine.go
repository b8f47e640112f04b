package doctor

import (
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/aptsource"
)

// machine is what has to be known of this one before anything is changed.
type machine struct {
	id       string // os-release's ID: "debian", "ubuntu"
	like     string // its ID_LIKE
	codename string // "trixie"
	root     bool
	apt      bool
	systemd  bool
	sources  []aptsource.Source // what apt fetches from
	path     func(string) bool
}

// thisMachine reads the facts below a root folder.
func thisMachine(root fs.FS) machine {
	m := machine{root: os.Geteuid() == 0, path: func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	}}
	if runtime.GOOS != "linux" {
		return m
	}
	m.readRelease(root)
	m.apt = (m.id == "debian" || m.id == "ubuntu" || strings.Contains(" "+m.like+" ", " debian ")) && m.path("apt-get")
	if info, err := fs.Stat(root, "run/systemd/system"); err == nil && info.IsDir() {
		m.systemd = true
	}
	m.sources = aptsource.Read(root)
	return m
}

// readRelease reads /etc/os-release.
func (m *machine) readRelease(root fs.FS) {
	raw, err := fs.ReadFile(root, "etc/os-release")
	if err != nil {
		if raw, err = fs.ReadFile(root, "usr/lib/os-release"); err != nil {
			return
		}
	}
	for line := range strings.Lines(string(raw)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			m.id = value
		case "ID_LIKE":
			m.like = value
		case "VERSION_CODENAME":
			m.codename = value
		}
	}
}
