package mapexpr

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

func number32() btf.Type { return &btf.Int{Name: "__u32", Size: 4} }
func number64() btf.Type { return &btf.Int{Name: "__u64", Size: 8} }

// flow is a key and a value as network tools have them:
//
//	struct flow { __be32 src; __u32 dst; __be16 port; __u8 proto; enum state state; char comm[8]; }
//	struct stats { __u64 bytes; __s64 drift; __u32 low:4, high:28; double load; __u32 port; struct { __u32 at[2]; } seen; }
func flow() Schema {
	be32 := &btf.Typedef{Name: "__be32", Type: number32()}
	be16 := &btf.Typedef{Name: "__be16", Type: &btf.Int{Size: 2}}
	state := &btf.Enum{Name: "state", Size: 4, Signed: true, Values: []btf.EnumValue{
		{Name: "STATE_NEW"}, {Name: "STATE_OPEN", Value: 1}, {Name: "STATE_GONE", Value: ^uint64(0)},
	}}
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}
	key := &btf.Struct{Name: "flow", Size: 24, Members: []btf.Member{
		{Name: "src", Type: be32},
		{Name: "dst", Type: number32(), Offset: 32},
		{Name: "port", Type: be16, Offset: 64},
		{Name: "proto", Type: &btf.Int{Size: 1}, Offset: 80},
		{Name: "state", Type: state, Offset: 96},
		{Name: "comm", Type: &btf.Array{Type: char, Nelems: 8}, Offset: 128},
	}}
	seen := &btf.Struct{Name: "seen", Size: 8, Members: []btf.Member{{Name: "at", Type: &btf.Array{Type: number32(), Nelems: 2}}}}
	value := &btf.Struct{Name: "stats", Size: 40, Members: []btf.Member{
		{Name: "bytes", Type: number64()},
		{Name: "drift", Type: &btf.Int{Size: 8, Encoding: btf.Signed}, Offset: 64},
		{Name: "low", Type: number32(), Offset: 128, BitfieldSize: 4},
		{Name: "high", Type: number32(), Offset: 132, BitfieldSize: 28},
		{Name: "load", Type: &btf.Float{Size: 8}, Offset: 192},
		{Name: "port", Type: number32(), Offset: 160},
		{Name: "seen", Type: seen, Offset: 256},
	}}
	return Schema{Key: key, Value: value, KeySize: 24, ValueSize: 40}
}

func encoded(t testing.TB, typ btf.Type, size int, text string) []byte {
	t.Helper()
	b, err := btfview.Encode(typ, size, text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sample(t testing.TB) (Schema, []byte, []byte) {
	s := flow()
	key := encoded(t, s.Key, 24, `{src: 10.1.2.3, dst: 0x0100a8c0, port: 443, proto: 6, state: STATE_GONE, comm: "Bash"}`)
	value := encoded(t, s.Value, 40, `{bytes: 2000000, drift: -5, low: 3, high: 70000, load: 0.5, port: 8080, seen: {at: [7, 9]}}`)
	return s, key, value
}

func TestFilter(t *testing.T) {
	s, key, value := sample(t)
	for src, want := range map[string]bool{
		"bytes > 1MB":                             true,
		"bytes>=2MB&&bytes<=2MB":                  true,
		"bytes > 2MiB":                            false,
		"bytes == 2e6":                            false, // an error, below
		"1MB < bytes":                             true,
		"bytes > 1MB && proto == TCP":             true,
		"proto == udp || state == GONE":           true,
		"state == STATE_GONE && !(state == open)": true,
		"state < 0":                               true,
		"state == -1":                             true,
		"src in 10.0.0.0/8":                       true,
		"src in 10.1.2.4/31":                      false,
		"src == 10.1.2.3":                         true,
		"src in (192.168.0.1, 10.1.2.3)":          true,
		"dst in 192.168.0.0/16":                   true,
		"dst == 192.168.0.1":                      true,
		"key.port == 443":                         true,
		"value.port in (80, 8080)":                true,
		"key.port < value.port":                   true,
		"drift < bytes":                           true,
		"drift == -5":                             true,
		"drift > -5.5":                            true,
		"drift < 18446744073709551615":            true,
		"bytes > -1":                              true,
		"low == 3 && high == 70000":               true,
		"load >= 0.5 && load < 1":                 true,
		"seen.at[1] == 9 && seen.at[0] != 9":      true,
		`comm == "Bash"`:                          true,
		`comm == Bash`:                            true,
		`comm =~ "ASH"`:                           true,
		`comm =~ /^B.sh$/`:                        true,
		`comm =~ /\//`:                            false,
		`comm < "Bats"`:                           true,
		`src =~ "10.1"`:                           true,
		"!low":                                    false,
		"low && load > 0":                         true,
		"comm && drift < 0":                       true,
		"10.1.2":                                  true,
		"STATE_gone":                              true,
		`"bytes: 2000000"`:                        true,
		`{src`:                                    true,
		`nobody`:                                  false,
		`"x == y"`:                                false,
		"in":                                      false,
	} {
		f, err := s.Filter(src)
		if err != nil {
			if src != "bytes == 2e6" {
				t.Errorf("%s: %v", src, err)
			}
			continue
		}
		if got := f(key, value); got != want {
			t.Errorf("%s is %v, want %v", src, got, want)
		}
	}
	if f, err := s.Filter(" "); f != nil || err != nil {
		t.Errorf("an empty filter: %v", err)
	}
}

func TestFilterErrors(t *testing.T) {
	s := flow()
	for src, want := range map[string]string{
		"byte > 1":                            `column 1: no field "byte"; did you mean bytes?`,
		"bytes > 1MB && prot==1":              `column 16: no field "prot"; did you mean port or proto?`,
		"port == 1":                           `column 1: key and value both have port: write key.port or value.port`,
		"key.sport == 1":                      `column 1: struct flow has no field "sport", it has src`,
		"seen.on == 1":                        `column 1: struct seen has no field "on", it has at`,
		"seen.at[2] == 1":                     `column 1:`,
		"bytes > many":                        `column 9: no field "many"`,
		`bytes > "1"`:                         `column 9: "1" is no number, and bytes is one`,
		"bytes > 1XB":                         `column 9:`,
		"bytes > 99999999999999999999":        `column 9: 99999999999999999999 is more than 64 bits hold`,
		"state == STATE_OPN":                  `column 10: state has no value "STATE_OPN"; did you mean STATE_OPEN`,
		"src == 10.0.0":                       `column 8:`,
		"src in 10.0.0.0/33":                  "",
		"src in (10.0.0.0/33)":                `column 9: "10.0.0.0/33" is no network such as 10.0.0.0/8`,
		"(bytes > 1":                          `column 1: the bracket is not closed`,
		"bytes > 1 bytes":                     `column 11: expected && or || before "bytes"`,
		"bytes >":                             `column 8: expected a value after >, but it ends here`,
		"bytes > && 1":                        `column 9: expected a value after >, not &&`,
		"&& bytes":                            `column 1: expected a field, not &&`,
		`comm =~ /(/`:                         `column 9: error parsing regexp`,
		`comm == "x`:                          `column 9: the text has no closing "`,
		"1 == 1":                              `column 1: no field is compared here`,
		"größe == 1":                          `column 1: no field "größe"`,
		"ü == 1 && (x":                        `column 11:`,
		"seen && low > 1":                     `column 1: seen is no number: compare it with something`,
		strings.Repeat("(", 100) + "low == 1": `column 65: too many brackets`,
	} {
		_, err := s.Filter(src)
		var e *Error
		if want == "" {
			continue
		}
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
	}
}

func TestFilterPerCPU(t *testing.T) {
	s := Schema{Key: number32(), Value: number32(), KeySize: 4, ValueSize: 4, CPUs: 3, Stride: 8}
	key := []byte{1, 0, 0, 0}
	value := make([]byte, 24)
	value[0], value[8], value[16] = 100, 200, 50
	for src, want := range map[string]bool{"value == 350": true, "value > 350": false, "key == 1": true, "200": true} {
		f, err := s.Filter(src)
		if err != nil || f(key, value) != want {
			t.Errorf("%s: not %v, %v", src, want, err)
		}
	}
	f, err := s.Field("value")
	if err != nil || string(f.Append(nil, key, value, true)) != "350" {
		t.Errorf("the sum: %v", err)
	}
}

func TestFilterPrefix(t *testing.T) {
	s := Schema{Key: btfview.Prefix(nil, 8), KeySize: 8, Value: number64(), ValueSize: 8}
	key := []byte{16, 0, 0, 0, 10, 1, 0, 0}
	for src, want := range map[string]bool{
		"key in 10.0.0.0/8": true, "key in 10.1.0.0/16": true, "key in 10.1.0.0/24": false,
		"key == 10.1.0.0/16": true, "key == 10.1.0.0/17": false, "prefixlen >= 16 && value == 0": true,
	} {
		f, err := s.Filter(src)
		if err != nil || f(key, make([]byte, 8)) != want {
			t.Errorf("%s: not %v, %v", src, want, err)
		}
	}
}

func TestOrder(t *testing.T) {
	s := flow()
	rows := []Row{}
	for _, text := range []string{
		`{bytes: 5, drift: 1, load: 2.5}`, `{bytes: 5, drift: -1, load: 0.5}`, `{bytes: 300, drift: 7}`,
	} {
		rows = append(rows, Row{make([]byte, 24), encoded(t, s.Value, 40, text)})
	}
	for src, want := range map[string]string{"-bytes,drift": "300 -1 1", "drift": "-1 1 7", "load": "7 -1 1", "-value": "7 1 -1"} {
		compare, err := s.Order(src)
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Clone(rows)
		slices.SortStableFunc(got, compare)
		_ = want
		drift, _ := s.Field("drift")
		var texts []string
		for _, r := range got {
			texts = append(texts, string(drift.Append(nil, r.Key, r.Value, false)))
		}
		if g, w := strings.Join(texts, " "), strings.ReplaceAll(want, "300", "7"); g != w {
			t.Errorf("%s: %s, want %s", src, g, w)
		}
	}
	for _, src := range []string{"size", "-", "bytes,", "bytes,-byte"} {
		if _, err := s.Order(src); err == nil {
			t.Errorf("order %q is no error", src)
		}
	}
}

// FuzzFilter: whatever is written, the answer is a filter or an error that points
// into the expression.
func FuzzFilter(f *testing.F) {
	for _, src := range []string{
		"bytes > 1MB && proto == TCP", "src in (10.0.0.0/8, ::1)", `comm =~ /^b.*\/$/ || !low`, `"text`, "seen.at[1] == 0x9",
		"key == value", "state != gone && drift >= -5.5s", "((((1 < bytes))))",
	} {
		f.Add(src)
	}
	s, key, value := sample(f)
	f.Fuzz(func(t *testing.T, src string) {
		filter, err := s.Filter(src)
		if err == nil {
			if filter != nil {
				filter(key, value)
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.Column < 1 || e.Column > len(src)+1 {
			t.Errorf("%q: %v", src, err)
		}
		if order, err := s.Order(src); err == nil && order != nil {
			order(Row{key, value}, Row{key, value})
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	s, key, value := sample(b)
	for _, src := range []string{"bytes > 3MB && proto == TCP", "src in 192.168.0.0/16", "comm == zsh", `comm =~ "zsh"`, "zsh"} {
		b.Run(src, func(b *testing.B) {
			f, err := s.Filter(src)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if f(key, value) {
					b.Fatal("it matches")
				}
			}
		})
	}
}
