package debian

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// signedAt is a time at which the recorded file was current.
var signedAt = time.Date(2026, 9, 13, 0, 0, 0, 0, time.UTC)

// recorded is the InRelease of bullseye-security of 12 September 2026.
func recorded(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/InRelease")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func builtIn(t *testing.T) Keys {
	t.Helper()
	keys, err := SystemKeys(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// The comment of the file of keys names those that are in it, and no others.
func TestBuiltInKeys(t *testing.T) {
	keys := builtIn(t)
	if len(keys.list) != 9 {
		t.Errorf("%d keys", len(keys.list))
	}
	comment, _, _ := bytes.Cut(embeddedKeys, []byte("-----BEGIN"))
	for _, k := range keys.list {
		if fingerprint := fmt.Sprintf("%X", k.PrimaryKey.Fingerprint); !bytes.Contains(comment, []byte(fingerprint)) {
			t.Errorf("the comment does not name %s", fingerprint)
		}
	}
}

func TestVerify(t *testing.T) {
	keys, data := builtIn(t), recorded(t)
	text, err := keys.verify(data, signedAt)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := parseRelease("bullseye-security", text)
	if err != nil || rel.index.size != 474876 || rel.index.sha256 != "f8863ad9e81b60ff7056c01764e15c3c6ec9e144ab6874304d0e4349af1a5fb1" {
		t.Errorf("got %+v, %v", rel, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	data := recorded(t)
	stranger, err := openpgp.NewEntity("Stranger", "", "x@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		keys Keys
		data []byte
		at   time.Time
		want string
	}{
		"a changed digest":    {builtIn(t), bytes.Replace(data, []byte("f8863ad9"), []byte("f8863ad8"), 1), signedAt, "signature"},
		"not signed":          {builtIn(t), []byte("Origin: Debian\nSuite: sid\n"), signedAt, "not signed"},
		"text behind":         {builtIn(t), append(bytes.Clone(data), "Codename: sid\n"...), signedAt, "follows its signature"},
		"no signature":        {builtIn(t), data[:bytes.Index(data, []byte("-----BEGIN PGP SIGNATURE"))], signedAt, "not signed"},
		"the key has expired": {builtIn(t), data, time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC), "signature"},
		"other keys":          {Keys{openpgp.EntityList{stranger}}, data, signedAt, "unknown entity"},
		"no keys":             {Keys{}, data, signedAt, "unknown entity"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tt.keys.verify(tt.data, tt.at); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Text in front of what is signed is not signed: it must not be read.
func TestVerifyLeavesOutWhatIsInFront(t *testing.T) {
	data := append([]byte("Codename: sid\n\n"), recorded(t)...)
	text, err := builtIn(t).verify(data, signedAt)
	if err == nil && bytes.Contains(text, []byte("Codename: sid")) {
		t.Error("text that nobody signed was believed")
	}
}

func TestSystemKeysAddTheMachines(t *testing.T) {
	keys, err := SystemKeys(fstest.MapFS{
		"usr/share/keyrings/debian-archive-keyring.gpg": &fstest.MapFile{Data: embeddedKeys},
	})
	if err != nil || len(keys.list) != 18 {
		t.Errorf("%d keys, %v", len(keys.list), err)
	}
	keys, err = SystemKeys(fstest.MapFS{"usr/share/keyrings/debian-archive-keyring.pgp": &fstest.MapFile{Data: []byte("odd")}})
	if err != nil || len(keys.list) != 9 {
		t.Errorf("a broken keyring: %d keys, %v", len(keys.list), err)
	}
}
