package template

import (
	"errors"
	"strings"
	"testing"
)

func testRenderer() renderer {
	return renderer{
		values:     map[string]string{"name": "probe", "tricky": "${templateOption:name}"},
		conditions: map[string]bool{"yes": true, "no": false},
		include: func(name string) (string, error) {
			if name == "about" {
				return "about ${templateOption:name}\n", nil
			}
			return "", errors.New("no section " + name)
		},
	}
}

func TestRender(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"nothing to do":                  {"a\nb\n", "a\nb\n"},
		"empty":                          {"", ""},
		"no final newline":               {"a\nb", "a\nb"},
		"placeholder":                    {"x ${templateOption:name} y", "x probe y"},
		"placeholder with space":         {"${templateOption: name }", "probe"},
		"not ours":                       {"${name} ${localEnv:HOME} $name", "${name} ${localEnv:HOME} $name"},
		"values are not looked at again": {"${templateOption:tricky}", "${templateOption:name}"},
		"if true":                        {"a\n// @if yes\nb\n// @end\nc\n", "a\nb\nc\n"},
		"if false":                       {"a\n// @if no\nb\n// @end\nc\n", "a\nc\n"},
		"if not":                         {"# @if !no\nb\n# @end\n", "b\n"},
		"nested":                         {"# @if yes\n# @if no\na\n# @end\nb\n# @end\n", "b\n"},
		"nested in false":                {"# @if no\n# @if yes\na\n# @end\nb\n# @end\nc\n", "c\n"},
		"all comment styles":             {"  // @if no\n1\n// @end\n# @if no\n2\n# @end\n/* @if no */\n3\n/* @end */\n<!-- @if no -->\n4\n<!-- @end -->\n", ""},
		"include":                        {"<!-- @include about -->\nb\n", "about probe\nb\n"},
		"include in false":               {"# @if no\n# @include about\n# @end\n", ""},
		"a marker in the middle":         {"see // @if yes\n", "see // @if yes\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := testRenderer().render(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"unknown option":    {"${templateOption:nme}", "${templateOption:nme}: unknown option"},
		"unknown condition": {"a\n# @if maybe\n# @end\n", "line 2: @if maybe: unknown condition"},
		"unknown section":   {"# @include nothing\n", "line 1: no section nothing"},
		"end without if":    {"# @end\n", "line 1: @end without @if"},
		"if without end":    {"# @if yes\n", "@if without @end"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := testRenderer().render(tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
