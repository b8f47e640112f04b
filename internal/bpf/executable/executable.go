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
// "bash" in those of programs, "c" and "libc" as the library libc.so.6. Libraries
// in none of the usual folders are found where the dynamic linker has listed them.
func Find(name string) []string {
	var patterns []string
	switch {
	case strings.Contains(name, "/"):
		patterns = []string{"/" + strings.TrimPrefix(name, "/")}
	case strings.Contains(name, ".so"):
		patterns = below(libraryDirs(), name)
	default:
		patterns = below(programDirs(), name)
		library := "lib" + strings.TrimPrefix(name, "lib") + ".so.[0-9]*"
		patterns = append(patterns, below(libraryDirs(), library)...)
	}
	files := regular(patterns)
	if len(files) == 0 && !strings.Contains(name, "/") {
		files = regular(cached(name))
	}
	return files
}

// regular returns the regular files that patterns match, each once.
func regular(patterns []string) []string {
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

// Names lists what programs and libraries on this machine are called, each maybe
// more than once: those in the usual folders and in further ones, such as those of
// LD_LIBRARY_PATH, and those that the dynamic linker has listed. It is false where
// there is no such list: then libraries may be anywhere.
func Names(further []string) (names []string, whole bool) {
	list := linkerCache()
	for _, path := range list {
		names = append(names, filepath.Base(path))
	}
	for _, dir := range slices.Concat(programDirs(), libraryDirs(), further) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	return names, len(list) > 0
}

// cached returns the libraries of a name that the dynamic linker has listed.
func cached(name string) []string {
	var paths []string
	library := "lib" + strings.TrimPrefix(name, "lib") + ".so."
	for _, path := range linkerCache() {
		if base := filepath.Base(path); base == name || strings.HasPrefix(base, library) {
			paths = append(paths, path)
		}
	}
	return paths
}

// linkerCache returns the paths in ld.so.cache, which end with a zero each, as all
// its texts do.
func linkerCache() []string {
	const most = 16 << 20 // bytes
	info, err := os.Stat("/etc/ld.so.cache")
	if err != nil || !info.Mode().IsRegular() || info.Size() > most {
		return nil
	}
	data, err := os.ReadFile("/etc/ld.so.cache")
	if err != nil {
		return nil
	}
	var paths []string
	for text := range strings.SplitSeq(string(data), "\x00") {
		if strings.HasPrefix(text, "/") && strings.Contains(text, ".so") {
			paths = append(paths, text)
		}
	}
	return paths
}

func programDirs() []string {
	return []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
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
