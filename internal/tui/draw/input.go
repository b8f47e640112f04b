package draw

// Input draws a text that is being typed, in w cells, with its cursor always in
// view. The position counts runes.
func (t Theme) Input(value string, position, w int) string {
	runes := []rune(value)
	position = max(0, min(position, len(runes)))
	before, under, after := Clean(string(runes[:position])), " ", ""
	if position < len(runes) {
		under, after = Clean(string(runes[position])), Clean(string(runes[position+1:]))
	}
	room := max(w-Width(under), 1)
	if over := Width(before) - room; over > 0 {
		before = t.FitLeft(before, room)
	}
	return t.Fit(before+t.Text.Reverse(true).Render(under)+after, w)
}
