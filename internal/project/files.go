package project

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
)

// maxDepth and maxFiles bound the search of a folder that is no project of ours,
// such as somebody's home.
const (
	maxDepth = 4
	maxFiles = 20000
)

// read returns the first MiB of a regular file, nil when there is none: a pipe
// or a device of that name would never end.
func read(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20)) // never nil
}

// skipped reports whether a folder holds nothing of the project's own.
func skipped(name string) bool {
	switch name {
	case ".git", "node_modules", "vendor", "target", ".venv", "venv", "__pycache__":
		return true
	}
	return false
}

// anyFile reports whether ok holds for a file of the folder.
func anyFile(fsys fs.FS, ok func(name string) (bool, error)) (bool, error) {
	found := false
	err := eachFile(fsys, func(name string) (err error) {
		if found, err = ok(name); found {
			return fs.SkipAll
		}
		return err
	})
	return found, err
}

// allFiles returns the files of the folder for which ok holds, in the order of
// their names.
func allFiles(fsys fs.FS, ok func(name string) (bool, error)) ([]string, error) {
	var names []string
	err := eachFile(fsys, func(name string) error {
		found, err := ok(name)
		if found {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// eachFile calls fn for the regular files of a folder, not deeper than maxDepth.
// Folders that may not be read are passed over.
func eachFile(fsys fs.FS, fn func(name string) error) error {
	seen := 0
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name != ".":
			return fs.SkipDir
		case err != nil:
			return err
		case d.IsDir() && name != "." && (skipped(d.Name()) || strings.Count(name, "/") >= maxDepth):
			return fs.SkipDir
		}
		if seen++; seen > maxFiles {
			return fs.SkipAll
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return fn(name)
	})
}

// Match reports whether a path, with slashes and relative to the project,
// matches a pattern: "*", "?" and "[…]" within one name as in path.Match, "**"
// for any number of folders, also none. A bad pattern is path.ErrBadPattern.
func Match(pattern, name string) (bool, error) {
	return matchSegments(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func matchSegments(pattern, name []string) (bool, error) {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for len(pattern) > 1 && pattern[1] == "**" { // more of them match no more, and cost
				pattern = pattern[1:]
			}
			for i := range len(name) + 1 {
				if ok, err := matchSegments(pattern[1:], name[i:]); ok || err != nil {
					return ok, err
				}
			}
			return false, nil
		}
		segment := ""
		if len(name) > 0 {
			segment = name[0]
		}
		if ok, err := path.Match(pattern[0], segment); !ok || err != nil || len(name) == 0 {
			return false, err
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0, nil
}
