package api

import (
	"slices"
	"strings"
)

// ParseAttach reads PROGRAM=TARGET[,MODE], as people write it; docs/attach.md has
// the table of targets and modes. False when it is not of that form.
//
// Words after commas are the mode when they are NAME=VALUE or a mode of some type.
// The last one is as well in a target without a slash, so that the path of a cgroup
// or a file may hold a comma; whether there is such a mode is for the target to say.
func ParseAttach(spec string) (AttachOption, bool) {
	program, where, ok := strings.Cut(spec, "=")
	if !ok || program == "" || where == "" {
		return AttachOption{}, false
	}
	parts := strings.Split(where, ",")
	n := len(parts)
	for n > 1 && isMode(parts[n-1]) {
		n--
	}
	if n == len(parts) && n > 1 && !strings.Contains(where, "/") {
		n--
	}
	return AttachOption{Program: program, Target: strings.Join(parts[:n], ","), Mode: strings.Join(parts[n:], ",")}, true
}

// isMode reports whether a word cannot be a part of a target.
func isMode(word string) bool {
	key, _, hasValue := strings.Cut(word, "=")
	if hasValue {
		return key != "" && !strings.ContainsAny(word, "/:")
	}
	return slices.Contains([]string{
		"native", "generic", "offload", "ingress", "egress", "clsact", "stream_parser", "stream_verdict", "verdict", "defrag",
	}, word)
}
