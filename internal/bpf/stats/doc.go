// Package stats measures how busy programs are, with the kernel's own counters,
// which count only while somebody asks for it.
package stats
