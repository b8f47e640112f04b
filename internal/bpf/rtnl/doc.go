// Package rtnl speaks as much rtnetlink as attaching and looking need: one request, its
// answers, an error in words. It is no client for everything that the kernel's
// networking can do.
package rtnl
