package output

// Style is how a piece of text is set off.
type Style string

// The styles, as the parameters of an SGR sequence. They come on top of the
// terminal's own colours, so that they are legible on light and dark ones.
const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Palette paints text when colour is on and leaves it alone when it is off.
type Palette bool

// Paint sets text off. The text must be safe to print.
func (p Palette) Paint(s Style, text string) string {
	if !p || s == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}
