// Package usdt reads the static probes of a program or library: the notes of the
// section .note.stapsdt that the macros of <sys/sdt.h> leave, and what they say
// about each probe's arguments.
//
// The format is described in the SystemTap wiki, "UserSpaceProbeImplementation".
package usdt
