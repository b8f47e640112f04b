// Package templates embeds the sources of the projects that ebpfdev scaffolds.
// They lie in _src, which the go command leaves alone; package template
// describes the layout and renders them.
package templates

import (
	"embed"
	"io/fs"
)

// Without "all:" the dotfiles (.devcontainer, .vscode) would be left out.
//
//go:embed all:_src
var sources embed.FS

// FS holds one folder for each framework.
var FS = root()

func root() fs.FS {
	sub, err := fs.Sub(sources, "_src")
	if err != nil {
		panic(err) // only a malformed path can do this
	}
	return sub
}
