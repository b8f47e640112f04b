// Package devcontainer reads a Dev Container configuration: it finds and parses
// devcontainer.json, substitutes variables, merges it with an image's metadata
// and computes the names and labels that every tool of the ecosystem agrees on.
//
// It starts no process and talks to no engine. Where the specification is
// silent, the behaviour is that of the reference CLI (@devcontainers/cli 0.89),
// with one exception: what cannot be honoured is refused by name instead of
// being dropped.
package devcontainer
