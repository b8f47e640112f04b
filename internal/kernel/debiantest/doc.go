// Package debiantest is a small archive of Debian for tests: real packages (ar,
// tar), indexes and signatures, served from memory. Its key is thrown away with
// it; what reads it must be given the key, and checks everything as ever.
package debiantest
