package buildcontext

import (
	"slices"
	"testing"
)

func TestScanDockerfile(t *testing.T) {
	tests := []struct {
		name, text, buildKit string
		bases                []string
	}{
		{"plain", "FROM a AS b\nCOPY --from=b --chown=1 x y\nFROM b\nRUN x\n", "", []string{"a"}},
		{"scratch", "FROM scratch\n", "", nil},
		{"platform", "FROM --platform=linux/amd64 a\n", "", []string{"a"}},
		{"docker's own syntax", "# syntax=docker/dockerfile:1.7-labs\nFROM a\n", "", []string{"a"}},
		{"another syntax", "#syntax = example.com/x\nFROM a\n", "# syntax=example.com/x", []string{"a"}},
		{"a comment is no directive", "FROM a\n# syntax=example.com/x\n", "", []string{"a"}},
		{"mount", "FROM a\n\n# c\nrun --mount=type=cache,target=/x make\n", "RUN --mount (line 4)", []string{"a"}},
		{"mount on a continued line", "FROM a\nRUN \\\n  # c\n  --mount=type=bind,target=/x make\n", "RUN --mount (line 2)", []string{"a"}},
		{"a word of the command", "FROM a\nRUN make --mount=x\n", "", []string{"a"}},
		{"link", "FROM a\nCOPY --link x y\n", "COPY --link (line 2)", []string{"a"}},
		{"chmod", "FROM a\nADD --chmod=755 x y\n", "ADD --chmod (line 2)", []string{"a"}},
		{"here-document", "FROM a\nRUN <<EOF\nx\nEOF\n", "RUN with a here-document (line 2)", []string{"a"}},
		{"here-string", "FROM a\nRUN bash -c 'cat <<<x'\n", "", []string{"a"}},
		{"another escape", "# escape=`\nFROM a\nRUN x `\n  --y\n", "", []string{"a"}},
		{"empty", "", "", nil},
		{"only FROM", "FROM", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := scanDockerfile(tt.text)
			if got.BuildKit != tt.buildKit || !slices.Equal(got.Bases, tt.bases) {
				t.Errorf("%+v", got)
			}
		})
	}
}
