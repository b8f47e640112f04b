package output

import (
	"fmt"
	"slices"
	"strings"
)

// Format is how a result is written.
type Format string

// The formats.
const (
	FormatTable  Format = "table"  // for people
	FormatText   Format = "text"   // for people, where it is no table
	FormatJSON   Format = "json"   // one JSON document
	FormatNDJSON Format = "ndjson" // one JSON object a line
	FormatCSV    Format = "csv"    // RFC 4180, with a header
)

// Choice is the format that a person chose out of those that a command offers.
// It implements pflag.Value.
type Choice struct {
	Format Format
	Offers []Format
}

// NewChoice offers formats; the first one is the default.
func NewChoice(offers ...Format) Choice {
	return Choice{Format: offers[0], Offers: offers}
}

// String returns the chosen format.
func (c *Choice) String() string { return string(c.Format) }

// Set chooses a format.
func (c *Choice) Set(s string) error {
	if !slices.Contains(c.Offers, Format(s)) {
		return fmt.Errorf("%q is not one of %s", s, c.List(", "))
	}
	c.Format = Format(s)
	return nil
}

// Type names the value in help texts.
func (c *Choice) Type() string { return c.List("|") }

// List returns what is offered.
func (c *Choice) List(sep string) string {
	names := make([]string, len(c.Offers))
	for i, f := range c.Offers {
		names[i] = string(f)
	}
	return strings.Join(names, sep)
}
