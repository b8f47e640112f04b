// Package attach attaches loaded programs where their section, or the person
// who loads them, says: docs/attach.md has the table.
//
// Everything is attached by a bpf_link where the kernel has one for it, so that it
// can be pinned, listed and taken back, and dies with whoever holds it. Where it
// has none, the Link says so when it is asked to be pinned.
//
// The files are families: net (interfaces, netfilter), netns, sockmap, socket,
// cgroup, trace, kprobe, uprobe, perf, iter and structops.
package attach
