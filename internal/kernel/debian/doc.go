// Package debian finds and gets kernels in archives of Debian: which suites have
// a series, what their signed indexes say, and a table of packages whose digests
// are known before anything is asked.
//
// Trust comes from digests, never from a mirror or its address: a package must
// have the SHA-256 of the table or of an index; an index that of its suite's
// InRelease; and InRelease a signature of Debian's archive keys.
package debian
