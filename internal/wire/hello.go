package wire

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// protocol is the number of this wire format. Two ends with different numbers
// refuse each other.
const protocol = 1

// The roles of the two ends.
const (
	roleClient = "client"
	roleAgent  = "agent"
)

// hello is the first thing both ends say.
type hello struct {
	Role     string `json:"role"`
	Protocol int    `json:"protocol"`
	Version  string `json:"version"` // of the program
	Nonce    string `json:"nonce"`   // the client's, which the agent repeats
}

// errSilent is an input without a hello.
var errSilent = errors.New("it ended before it said hello")

// newNonce returns 16 random bytes in hexadecimal.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

func (h hello) frame() []byte {
	b, _ := json.Marshal(h) // strings and a number: it cannot fail
	return encodeFrame(kindHello, 0, 0, b)
}

// readHello reads the other end's hello.
func readHello(r *bufio.Reader) (hello, error) {
	f, err := readFrame(r)
	var foreign *notOursError
	switch {
	case errors.As(err, &foreign):
		return hello{}, &ProtocolError{Reason: "the other side is no ebpfdev; it says " + said(foreign.head, r)}
	case errors.Is(err, io.EOF):
		return hello{}, errSilent
	case err != nil:
		return hello{}, err
	case f.kind != kindHello || f.call != 0 || f.flags != 0:
		return hello{}, protocolf("%v in place of a hello", f.kind)
	}
	var h hello
	if err := json.Unmarshal(f.payload, &h); err != nil {
		return hello{}, protocolf("hello: %v", err)
	}
	return h, nil
}

// said quotes the beginning of a foreign text, most often the error message of
// whatever was to start the agent.
func said(head []byte, r *bufio.Reader) string {
	rest, _ := r.Peek(min(r.Buffered(), 200))
	return strconv.Quote(string(head) + string(rest))
}

// checkAgent is the client's judgement on the answer to its own hello.
func (h hello) checkAgent(mine hello) error {
	switch {
	case h.Role == roleClient && h.Nonce == mine.Nonce:
		return api.Errorf("connect", "agent", api.ErrEnvironment, "the stream echoes what is written: it is a terminal, not a pipe")
	case h.Role != roleAgent:
		return api.Errorf("connect", "agent", api.ErrEnvironment, "the other side is "+strconv.Quote(h.Role)+", not an agent")
	case h.Protocol > mine.Protocol:
		return api.Errorf("connect", "agent", api.ErrEnvironment,
			fmt.Sprintf("the agent (ebpfdev %s) speaks protocol %d and this ebpfdev %s only %d: use the newer ebpfdev on this side",
				h.Version, h.Protocol, mine.Version, mine.Protocol)).WithHint("ebpfdev up")
	case h.Protocol < mine.Protocol:
		return api.Errorf("connect", "agent", api.ErrEnvironment,
			fmt.Sprintf("the agent (ebpfdev %s) speaks the old protocol %d, this ebpfdev %s needs %d: put this version into the container",
				h.Version, h.Protocol, mine.Version, mine.Protocol)).WithHint("ebpfdev up")
	case h.Nonce != mine.Nonce:
		return api.Errorf("connect", "agent", api.ErrEnvironment, "the answer belongs to another connection")
	}
	return nil
}

// checkClient is the agent's judgement on a client's hello.
func (h hello) checkClient(mine hello) error {
	switch {
	case h.Role != roleClient:
		return protocolf("hello of %q, not of a client", h.Role)
	case h.Protocol != mine.Protocol:
		return api.Errorf("serve", "", api.ErrEnvironment,
			fmt.Sprintf("the client (ebpfdev %s) speaks protocol %d, this agent (ebpfdev %s) %d", h.Version, h.Protocol, mine.Version, mine.Protocol))
	}
	return nil
}
