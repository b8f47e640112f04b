// Package download gets files by HTTP, within bounds: a size, a SHA-256 that they
// must have, and a time without a byte after which a server counts as gone. The
// proxies of the environment are used (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).
package download
