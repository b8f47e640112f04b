// Package wire carries typed calls between two ebpfdev processes over one pair
// of byte streams: an exec's standard input and output, a serial line, a pipe.
//
// Both ends send frames. A frame is a header of 20 bytes and a payload of at
// most 16 MiB:
//
//	0  magic "eb"        2  kind     3  flags
//	4  call id           8  payload length
//	12 CRC-32C of the payload        16 CRC-32C of bytes 0 to 15
//
// Numbers are big-endian. The header has a checksum of its own so that a damaged
// length is noticed at once, and never waited for.
//
// The first frame of each end is its hello, whose layout holds for every
// protocol there will be: who it is, which protocol it speaks, its program's
// version and the client's nonce. Then the client opens calls, each with an id
// greater than any before, and both ends send messages that belong to a call. A
// message is a part of JSON, with the tags that package api has for -o json,
// and any number of raw parts (object files); a part may span frames, and frames
// of different calls interleave. A call ends with one response or one error from
// the server, or with the client's cancel.
//
// Back-pressure is per call: a sender spends credit for every frame and gets it
// back when the receiver's caller has taken the frame. A slow caller stops its
// own call only, and neither end holds more than a window for it.
//
// Nothing is guessed: a bad checksum, an unknown kind, a frame that cannot
// belong where it is, more frames than credit: each ends the connection with
// a ProtocolError. Both ends send pings, so that a lost byte is noticed too, and
// an agent that is gone while its connection stays open.
package wire
