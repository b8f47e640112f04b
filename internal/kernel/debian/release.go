package debian

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/kernel/deb"
)

// indexPath is the index of amd64's packages, below a suite's folder.
const indexPath = "main/binary-amd64/Packages.xz"

// sha256hex is a digest as archives write it.
var sha256hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// suiteRelease is what a suite's signed InRelease says.
type suiteRelease struct {
	index      indexFile
	validUntil time.Time // zero when the suite does not age
}

// indexFile is an index as its suite's InRelease names it.
type indexFile struct {
	sha256 string
	size   int64
}

// parseRelease reads what was signed, and holds it against the suite that was
// asked for: a mirror must not pass one suite off as another.
func parseRelease(suite string, data []byte) (suiteRelease, error) {
	var p deb.Paragraph
	err := deb.Paragraphs(bytes.NewReader(data), nil, func(more deb.Paragraph) error {
		if p != nil {
			return errors.New("it has more than one paragraph")
		}
		p = more
		return nil
	})
	if err != nil {
		return suiteRelease{}, err
	}
	if p["codename"] != suite && p["suite"] != suite {
		return suiteRelease{}, fmt.Errorf("it is that of the suite %q", p["codename"])
	}
	var rel suiteRelease
	if rel.index, err = findIndex(p["sha256"]); err != nil {
		return suiteRelease{}, err
	}
	if until := p["valid-until"]; until != "" {
		if rel.validUntil, err = time.Parse(time.RFC1123, until); err != nil {
			return suiteRelease{}, fmt.Errorf("valid-until: %w", err)
		}
	}
	return rel, nil
}

// findIndex looks for the index among "DIGEST SIZE PATH" lines.
func findIndex(lines string) (indexFile, error) {
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) != 3 || words[2] != indexPath {
			continue
		}
		size, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil || size < 0 || size > maxIndex || !sha256hex.MatchString(words[0]) {
			return indexFile{}, fmt.Errorf("it says %q", strings.TrimSpace(line))
		}
		return indexFile{sha256: words[0], size: size}, nil
	}
	return indexFile{}, errors.New("it does not name " + indexPath)
}
