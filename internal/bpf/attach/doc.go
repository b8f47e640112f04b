// Package attach attaches loaded programs where their section, or the person
// who loads them, says.
//
// Everything is attached by a bpf_link, so that it can be pinned, listed and
// taken back, and dies with whoever holds it.
package attach
