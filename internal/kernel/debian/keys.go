package debian

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// embeddedKeys are Debian's archive keys; the file says which.
//
//go:embed keys.asc
var embeddedKeys []byte

// systemKeyrings are where Debian's package debian-archive-keyring puts its keys,
// the newer form first.
func systemKeyrings() []string {
	return []string{
		"usr/share/keyrings/debian-archive-keyring.pgp",
		"usr/share/keyrings/debian-archive-keyring.gpg",
	}
}

// Keys are those that an index may be signed with.
type Keys struct{ list openpgp.EntityList }

// SystemKeys returns the machine's keys of Debian's archive below a root folder,
// and the ones that ebpfdev brings: the machine's may be older than a suite.
func SystemKeys(root fs.FS) (Keys, error) {
	keys, err := ParseKeys(embeddedKeys)
	if err != nil {
		return Keys{}, err
	}
	for _, name := range systemKeyrings() {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			continue
		}
		if more, err := ParseKeys(data); err == nil {
			keys.list = append(more.list, keys.list...)
			break
		}
	}
	return keys, nil
}

// ParseKeys reads a keyring, armoured or not.
func ParseKeys(data []byte) (Keys, error) {
	list, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
	if err != nil {
		list, err = openpgp.ReadKeyRing(bytes.NewReader(data))
	}
	if err != nil {
		return Keys{}, fmt.Errorf("read keys: %w", err)
	}
	return Keys{list: list}, nil
}

// verify returns what a clear-signed file says, if one of the keys signed it. A
// file may be signed by several keys; one that is known is enough.
func (k Keys) verify(signed []byte, now time.Time) ([]byte, error) {
	block, rest := clearsign.Decode(signed)
	if block == nil {
		return nil, errors.New("it is not signed")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("something follows its signature")
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	if _, err := block.VerifySignature(k.list, config); err != nil {
		return nil, fmt.Errorf("its signature: %w", err)
	}
	return block.Bytes, nil
}
