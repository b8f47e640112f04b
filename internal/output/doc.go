// Package output renders what commands found out.
//
// The rules of ebpfdev's output:
//
//   - Results go to standard output; progress, questions and errors go to
//     standard error. `ebpfdev map dump hits > file` holds entries and nothing else.
//   - A terminal gets aligned tables, colour and lines that change in place. A
//     pipe gets the same tables without colour and never cut, and progress as
//     plain lines.
//   - Text from outside (process names, map values, logs, tool output) is
//     escaped with package safe when it is printed for people. JSON carries the
//     raw strings, in a form that no terminal takes for a control sequence.
//   - A list in JSON is an array of objects, an empty one is [].
//   - An error reads "operation object: cause"; a second line "hint: ..." holds
//     something that can be run.
package output
