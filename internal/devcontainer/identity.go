package devcontainer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Labels of a dev container. Every tool finds containers by the first two.
const (
	LabelFolder   = "devcontainer.local_folder" // absolute path of the workspace folder on the host
	LabelConfig   = "devcontainer.config_file"  // absolute path of devcontainer.json
	LabelMetadata = "devcontainer.metadata"     // JSON array, on images and containers
)

// IDLabels returns the labels that identify a workspace's container. Both paths
// are absolute; symbolic links are not resolved.
func IDLabels(folder, config string) map[string]string {
	return map[string]string{LabelFolder: folder, LabelConfig: config}
}

// ID returns ${devcontainerId}: 52 characters of 0-9 and a-v that depend on the
// labels alone.
func ID(labels map[string]string) string {
	keys := make([]string, 0, len(labels))
	for key := range labels {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var b strings.Builder
	b.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quoteJSON(key) + ":" + quoteJSON(labels[key]))
	}
	b.WriteByte('}')
	sum := sha256.Sum256([]byte(b.String()))
	text := new(big.Int).SetBytes(sum[:]).Text(32)
	return strings.Repeat("0", 52-len(text)) + text
}

// quoteJSON quotes as JavaScript's JSON.stringify does, which escapes less than
// Go: the identity is a hash over this text.
func quoteJSON(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if r < 0x20 {
				fmt.Fprintf(&b, `\u%04x`, r)
				continue
			}
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

var (
	notInImageName = regexp.MustCompile(`[^a-z0-9._-]+`)
	badSeparators  = regexp.MustCompile(`(\.[._-]|_[.-]|__[._-]|-+[._])[._-]*`)
)

// ImageName returns the name under which the reference CLI tags a workspace's
// image: vsc-FOLDER-HASH. The image with the updated user has "-uid" appended.
func ImageName(folder string) string {
	sum := sha256.Sum256([]byte(folder))
	name := strings.ToLower("vsc-" + filepath.Base(folder) + "-" + hex.EncodeToString(sum[:]))
	name = notInImageName.ReplaceAllString(name, "")
	return badSeparators.ReplaceAllStringFunc(name, func(match string) string {
		head := badSeparators.FindStringSubmatch(match)[1]
		return head[:len(head)-1]
	})
}
