// Package executable finds the files that probes name: a program or a library
// by its path, or by the name that libbpf, BCC and bpftrace know it by.
package executable

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Find returns the files that a name may stand for, most likely first, symbolic
// links resolved: a path as it is (what is not absolute begins at the root, as
// in SEC("uprobe/bin/bash:readline")), "libc.so.6" in the folders of libraries,
// "bash" in those of programs, "c" and "libc" as the library libc.so.6.
func Find(name string) []string {
	var patterns []string
	switch {
	case strings.Contains(name, "/"):
		patterns = []string{"/" + strings.TrimPrefix(name, "/")}
	case strings.Contains(name, ".so"):
		patterns = below(libraryDirs(), name)
	default:
		patterns = below([]string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}, name)
		library := "lib" + strings.TrimPrefix(name, "lib") + ".so.[0-9]*"
		patterns = append(patterns, below(libraryDirs(), library)...)
	}
	var files []string
	for _, pattern := range patterns {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			real, err := filepath.EvalSymlinks(path)
			if err != nil || slices.Contains(files, real) {
				continue
			}
			if info, err := os.Stat(real); err == nil && info.Mode().IsRegular() {
				files = append(files, real)
			}
		}
	}
	return files
}

func below(dirs []string, name string) []string {
	paths := make([]string, 0, len(dirs))
	for _, dir := range dirs {
		paths = append(paths, dir+"/"+name)
	}
	return paths
}

// libraryDirs are where this architecture's libraries are, Debian's own folders
// first.
func libraryDirs() []string {
	triplet := map[string]string{
		"386": "i386-linux-gnu", "amd64": "x86_64-linux-gnu", "arm": "arm-linux-gnueabihf", "arm64": "aarch64-linux-gnu",
		"loong64": "loongarch64-linux-gnu", "ppc64le": "powerpc64le-linux-gnu", "riscv64": "riscv64-linux-gnu", "s390x": "s390x-linux-gnu",
	}[runtime.GOARCH]
	return []string{
		"/lib/" + triplet, "/usr/lib/" + triplet, "/usr/local/lib/" + triplet,
		"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib",
	}
}
