// Package deb reads what Debian publishes: binary packages (ar, tar), paragraphs
// of fields, versions and their order. It takes a kernel out of a package and
// opens nothing else.
//
// All of it comes from outside. Readers are streams with bounded sizes, and names
// out of a package are checked before they may become names of files.
package deb
