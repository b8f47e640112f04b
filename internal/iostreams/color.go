package iostreams

// OutColor reports whether text on Out may be coloured.
func (s *IOStreams) OutColor() bool { return s.color(s.outTTY) }

// ErrColor reports whether text on ErrOut may be coloured.
func (s *IOStreams) ErrColor() bool { return s.color(s.errTTY) }

// color follows no-color.org (any non-empty value, and it wins) and the
// CLICOLOR convention.
func (s *IOStreams) color(tty bool) bool {
	if v, _ := s.Env("NO_COLOR"); v != "" {
		return false
	}
	if v, _ := s.Env("CLICOLOR_FORCE"); v != "" && v != "0" {
		return true
	}
	if v, _ := s.Env("CLICOLOR"); v == "0" {
		return false
	}
	if v, _ := s.Env("TERM"); v == "dumb" {
		return false
	}
	return tty
}
