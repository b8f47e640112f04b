package internal_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestEveryPackageHasALayer keeps the picture true: a package that the linter's
// rules, doc.go or docs/architecture.md do not know fails here.
func TestEveryPackageHasALayer(t *testing.T) {
	text := map[string]string{}
	for _, name := range []string{"../.golangci.yml", "doc.go", "../docs/architecture.md"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[name] = string(data)
	}
	for _, dir := range packages(t) {
		top, _, _ := strings.Cut(dir, "/")
		if !strings.Contains(text["../.golangci.yml"], "internal/"+top+"/*") {
			t.Errorf("%s: no rule of depguard in .golangci.yml names %s", dir, top)
		}
		if !regexp.MustCompile(`(?m)^//\t.*\b` + top + `\b`).MatchString(text["doc.go"]) {
			t.Errorf("%s: the picture in doc.go has no %s", dir, top)
		}
		last := path.Base(dir)
		if !regexp.MustCompile("(?m)^\\|.*`(?:" + dir + "|" + last + ")`").MatchString(text["../docs/architecture.md"]) {
			t.Errorf("%s: the table in docs/architecture.md has no %s", dir, last)
		}
	}
}

// packages returns the folders below this one that hold Go files.
func packages(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || name == "." {
			return err
		}
		if d.Name() == "testdata" {
			return fs.SkipDir
		}
		files, err := fs.Glob(os.DirFS(name), "*.go")
		if len(files) > 0 {
			dirs = append(dirs, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) < 30 {
		t.Fatalf("only %v were found", dirs)
	}
	return dirs
}
