package shell_test

import (
	"os/exec"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/shell"
)

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"":              "''",
		"plain":         "plain",
		"/a-b_c/d.e:80": "/a-b_c/d.e:80",
		"KEY=v@1,2%+":   "KEY=v@1,2%+",
		"two words":     "'two words'",
		"it's":          `'it'\''s'`,
		"$HOME":         "'$HOME'",
		"~":             "'~'",
		"*.o":           "'*.o'",
		"a\nb":          "'a\nb'",
		"é":             "'é'",
	} {
		if got := shell.Quote(text); got != want {
			t.Errorf("Quote(%q) = %s, want %s", text, got, want)
		}
	}
	if got := shell.Join("rm", "-r", "my probe"); got != "rm -r 'my probe'" {
		t.Errorf("Join: %s", got)
	}
}

// TestQuoteIsReadBack asks a real shell.
func TestQuoteIsReadBack(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here") // Windows
	}
	for _, text := range []string{"", "a b", `\`, `"`, "'", "''", "`id`", "$(id)", "a;b|c&d", "#", "!", "\t\n.", "{a,b}", "[x]", "é"} {
		out, err := exec.CommandContext(t.Context(), sh, "-c", "printf %s "+shell.Quote(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("a shell reads %s as %q, want %q (%v)", shell.Quote(text), out, text, err)
		}
	}
}
