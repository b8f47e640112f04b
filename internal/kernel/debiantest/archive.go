package debiantest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ulikunitz/xz"

	"github.com/ebpfdev/ebpfdev/internal/kernel/debian"
)

// Archive is an archive: the paths below /debian and /debian-security, and what
// is there. It may be changed while it is served.
type Archive struct {
	tb     testing.TB
	entity *openpgp.Entity

	mu    sync.Mutex
	files map[string][]byte // by path: "debian/pool/…"
	asked []string
	stuck map[string]chan struct{} // closed when the path is asked for
}

// New returns an empty archive with a key of its own.
func New(tb testing.TB) *Archive {
	tb.Helper()
	entity, err := openpgp.NewEntity("Test Archive", "", "test@example.org", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		tb.Fatal(err)
	}
	return &Archive{tb: tb, entity: entity, files: map[string][]byte{}}
}

// Key returns the public key, armoured.
func (a *Archive) Key() []byte {
	a.tb.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = a.entity.Serialize(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		a.tb.Fatal(err)
	}
	return b.Bytes()
}

// Keys returns the public key as a keyring.
func (a *Archive) Keys() debian.Keys {
	a.tb.Helper()
	keys, err := debian.ParseKeys(a.Key())
	if err != nil {
		a.tb.Fatal(err)
	}
	return keys
}

// Serve serves the archive until the test ends, and returns its address: that of
// the folder "debian".
func (a *Archive) Serve() string {
	a.tb.Helper()
	server := httptest.NewServer(a)
	a.tb.Cleanup(server.Close)
	return server.URL + "/debian"
}

// ServeHTTP serves one file.
func (a *Archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	a.mu.Lock()
	a.asked = append(a.asked, path)
	data, ok := a.files[path]
	stuck := a.stuck[path]
	delete(a.stuck, path)
	a.mu.Unlock()
	if stuck != nil {
		_, _ = w.Write(data[:len(data)/2])
		_ = http.NewResponseController(w).Flush()
		close(stuck)
		<-r.Context().Done()
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	_, _ = w.Write(data)
}

// Asked returns the paths that were asked for, and forgets them.
func (a *Archive) Asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := a.asked
	a.asked = nil
	return asked
}

// Stick makes a path answer with the first half of its file and no more, once.
// The channel is closed when it did.
func (a *Archive) Stick(path string) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stuck == nil {
		a.stuck = map[string]chan struct{}{}
	}
	a.stuck[path] = make(chan struct{})
	return a.stuck[path]
}

// Put puts a file at a path, or removes it when data is nil.
func (a *Archive) Put(path string, data []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if data == nil {
		delete(a.files, path)
		return
	}
	a.files[path] = data
}

// Get returns the file at a path.
func (a *Archive) Get(path string) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.files[path]
}

// AddPackage puts a package into the pool of "debian" or "debian-security". No
// index names it.
func (a *Archive) AddPackage(archive, name, version string, data []byte) debian.Package {
	p := debian.Package{
		Name: name, Version: version, Path: "pool/" + name + "_" + version + "_amd64.deb",
		Size: int64(len(data)), SHA256: sum(data),
	}
	a.Put(archive+"/"+p.Path, data)
	return p
}

// Publish writes and signs a suite's indexes. More lines of InRelease may be
// given; Suite and Codename are the suite's.
func (a *Archive) Publish(archive, suite string, packages []debian.Package, lines ...string) {
	a.tb.Helper()
	var index strings.Builder
	for _, p := range packages {
		fmt.Fprintf(&index, "Package: %s\nVersion: %s\nDescription: a test\n of two lines\nFilename: %s\nSize: %d\nSHA256: %s\n\n",
			p.Name, p.Version, p.Path, p.Size, p.SHA256)
	}
	packed := XZ(a.tb, []byte(index.String()))
	dir := archive + "/dists/" + suite + "/"
	a.Put(dir+"main/binary-amd64/Packages.xz", packed)
	text := fmt.Sprintf("Origin: Test\nSuite: %s\nCodename: %s\n%sSHA256:\n %s %d main/binary-amd64/Packages.xz\n",
		suite, suite, strings.Join(append(lines, ""), "\n"), sum(packed), len(packed))
	a.Put(dir+"InRelease", a.Sign([]byte(text)))
}

// Sign clear-signs a text.
func (a *Archive) Sign(text []byte) []byte {
	a.tb.Helper()
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, a.entity.PrivateKey, nil)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		a.tb.Fatal(err)
	}
	return b.Bytes()
}

// XZ compresses data.
func XZ(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
