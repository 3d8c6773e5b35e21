package features

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/captionlab/captionlab/internal/picture"
)

func off(got uint32, want uint8) int { return int(math.Abs(float64(got) - float64(want))) }

// Files of package picture's testdata/formats.py: whatever the format keeps, the same four colours reach the encoder.
func TestFormats(t *testing.T) {
	found, err := filepath.Glob("../picture/testdata/format-*")
	if err != nil || len(found) != 13 {
		t.Fatalf("%d files, want 13 (%v)", len(found), err)
	}
	want := [][3]uint8{{200, 60, 30}, {20, 160, 80}, {40, 50, 210}, {255, 255, 255}}
	for _, path := range found {
		img, err := picture.Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		e := tiny(t, t.TempDir(), 1)
		pixels := make([]uint8, 224*224*3)
		e.Prepare(img, pixels)
		for n, w := range want {
			at := 3 * ((56+n/2*112)*224 + 56 + n%2*112)
			got := [3]uint8(pixels[at : at+3])
			distance := off(uint32(got[0]), w[0]) + off(uint32(got[1]), w[1]) + off(uint32(got[2]), w[2])
			if slices.Contains([]string{"../picture/testdata/format-gray.png", "../picture/testdata/format-gray.jpg"}, path) {
				light := uint8(0.299*float64(w[0]) + 0.587*float64(w[1]) + 0.114*float64(w[2]) + 0.5)
				distance = off(uint32(got[0]), light) + off(uint32(got[1]), light) + off(uint32(got[2]), light)
			}
			if distance > 12 {
				t.Errorf("%s, quarter %d: %v, want %v", path, n, got, w)
			}
		}
	}
}

// A hash is computed anew when size, time or inode of a file changes, and only then.
func TestHashFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, []byte("abc"))
	first, err := hashFile(path, remembered{})
	if err != nil {
		t.Fatal(err)
	}
	lie := first
	lie.SHA256 = bytes.Repeat([]byte{7}, 32)
	if got, err := hashFile(path, lie); err != nil || !bytes.Equal(got.SHA256, lie.SHA256) {
		t.Errorf("read again: %v", err)
	}
	lie.Time--
	if got, err := hashFile(path, lie); err != nil || !bytes.Equal(got.SHA256, first.SHA256) {
		t.Errorf("a file of another time was not read again: %v", err)
	}
	at := time.Unix(0, first.Time)
	write(t, path, []byte("abcd"))
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	if got, err := hashFile(path, first); err != nil || bytes.Equal(got.SHA256, first.SHA256) {
		t.Errorf("a file of another size was not read again: %v", err)
	}
}

// A side file that is empty, damaged or null costs the hashes that it held, nothing else.
func TestDamagedHashes(t *testing.T) {
	dir := t.TempDir()
	pictures := photos(t, dir, 1)
	for _, content := range []string{"", "{", "null", "[]"} {
		write(t, sideFile(dir), []byte(content))
		known := readHashes(dir)
		if _, changed, err := hashAll(t.Context(), pictures, known, nil); err != nil || !changed || len(known) != 1 {
			t.Errorf("%q: %d hashes, changed %v, error %v", content, len(known), changed, err)
		}
	}
}

// Another file of the same size and time, moved or written there, is read; and so is a file of which no more is remembered.
func TestHashOfASwappedFile(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	at := time.Unix(1_000_000_000, 0)
	put := func(path, text string) {
		write(t, path, []byte(text))
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	put(path, "abc")
	put(other, "xyz")
	abc, err := hashFile(path, remembered{})
	if err != nil {
		t.Fatal(err)
	}
	var old remembered // as it was before inodes were remembered
	if err := json.Unmarshal(fmt.Appendf(nil, `{"size":3,"mtime_ns":%d,"sha256":"%s"}`, at.UnixNano(), base64.StdEncoding.EncodeToString(make([]byte, 32))), &old); err != nil {
		t.Fatal(err)
	}
	if got, err := hashFile(path, old); err != nil || !bytes.Equal(got.SHA256, abc.SHA256) {
		t.Errorf("an old entry was believed: %v", err)
	}
	var again remembered // as the side file keeps it
	data, err := json.Marshal(abc)
	if err == nil {
		err = json.Unmarshal(data, &again)
	}
	if err != nil || again.stamp != abc.stamp || !bytes.Equal(again.SHA256, abc.SHA256) {
		t.Errorf("%s became %+v: %v", data, again, err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	xyz, err := hashFile(path, abc)
	if err != nil || bytes.Equal(xyz.SHA256, abc.SHA256) {
		t.Errorf("a file that was moved there was not read: %v", err)
	}
	time.Sleep(20 * time.Millisecond) // more than a tick of the file system's clock
	put(path, "abc")
	if got, err := hashFile(path, xyz); err != nil || !bytes.Equal(got.SHA256, abc.SHA256) {
		t.Errorf("a file that was written anew was not read: %v", err)
	}
}

// What is no file is refused at once: opening a pipe that nobody writes to would never end.
func TestHashFileRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.jpg")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Skip("no pipes here:", err)
	}
	for path, want := range map[string]string{pipe: "not a regular file", dir: "a folder", "/dev/zero": "not a regular file"} {
		if _, err := hashFile(path, remembered{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}
