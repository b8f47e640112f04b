// Package places finds programs by the place where they are attached, which the
// kernel answers for one place at a time: cgroups, network interfaces, network
// namespaces.
package places
