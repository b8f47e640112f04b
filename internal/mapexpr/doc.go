// Package mapexpr is the language that selects and orders the entries of maps:
//
//	bytes > 1MB && (proto == TCP || !seen)
//	src in 10.0.0.0/8 && comm =~ /^ba.*h$/
//	key.port in (80, 443) && value.last < 5s
//
// An expression is compiled once against the types of a map's keys and values and
// then compares raw bytes, entry by entry, without decoding them. Numbers of
// per-CPU maps are the sums of all CPUs.
//
// Fields are named as in C: bare where only the key or only the value has one,
// else key.x or value.x, in structs inside with dots, in arrays with [0]. Key and
// value alone are the whole. Numbers may have units (KB MB GB of 1000, KiB MiB GiB
// of 1024 bytes; ns us ms s min h, in nanoseconds); enums go by their names or the
// last word of these. =~ is true when the text holds what is quoted, in any case,
// or matches the regular expression between slashes.
//
// What has no comparison in it is not an expression but text to look for, as is
// what is quoted as a whole.
package mapexpr
