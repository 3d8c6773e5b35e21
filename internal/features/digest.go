package features

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

// Pictures is a hash of every picture's id and bytes.
func (t *Table) Pictures() string {
	h := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(t.keys)) {
		k := t.keys[id]
		h.Write([]byte(id + "\x00"))
		h.Write(k[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
