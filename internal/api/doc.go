// Package api is the one contract of ebpfdev: what can be done to a kernel, to a
// build and to a workspace, in plain data.
//
// Three kinds of implementation stand behind it: local (this process talks to
// this kernel), remote (an agent talks to its kernel, we talk to the agent) and
// the fake that apitest offers to frontends. One conformance suite, apitest,
// runs against all of them. Frontends know nothing else.
//
// Rules that keep it small:
//
//   - Only the standard library is imported.
//   - Every method takes a context and a request and returns a result and an
//     error. No request or result holds a file descriptor, a pointer to a live
//     kernel object or a path of the machine that sent it: objects travel as
//     bytes, so that any target can take them.
//   - A callback is called on the goroutine that called the method, one call at
//     a time; its first error stops the stream and is returned as it is.
//     A cancelled context ends the call with the context's error.
//   - Every error of a target is an *Error, a *VerifierError or a *ToolError
//     (or a context's error), and errors.Is against the kinds in errors.go gives
//     the same answer on both sides of a wire.
//   - Strings are raw, as the kernel or a person gave them. Whoever prints them
//     escapes them (package safe).
package api
