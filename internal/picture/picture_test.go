package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/captionlab/captionlab/internal/picture/picturetest"
)

func write(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Files of testdata/formats.py: what the header says, and the colours of the four quarters. Transparent black is
// seen as such: whoever shows the picture puts it on white.
func TestFormats(t *testing.T) {
	type quarter = [4]uint32
	colours := [4]quarter{{200, 60, 30, 255}, {20, 160, 80, 255}, {40, 50, 210, 255}, {255, 255, 255, 255}}
	through := colours
	through[3] = quarter{}
	var gray [4]quarter
	for n, c := range colours {
		y := (299*c[0] + 587*c[1] + 114*c[2] + 500) / 1000
		gray[n] = quarter{y, y, y, 255}
	}
	for name, test := range map[string]struct {
		header Header
		want   [4]quarter
	}{
		"rgb.jpg":          {Header{Format: "jpeg"}, colours},
		"progressive.jpg":  {Header{Format: "jpeg"}, colours},
		"cmyk.jpg":         {Header{Format: "jpeg", CMYK: true}, colours},
		"gray.jpg":         {Header{Format: "jpeg"}, gray},
		"gray.png":         {Header{Format: "png"}, gray},
		"alpha.png":        {Header{Format: "png"}, through},
		"palette.png":      {Header{Format: "png", Palette: true}, colours},
		"palette.gif":      {Header{Format: "gif", Palette: true}, colours},
		"rgb.bmp":          {Header{Format: "bmp"}, colours},
		"rgb.tiff":         {Header{Format: "tiff"}, colours},
		"alpha.webp":       {Header{Format: "webp"}, through},
		"lossy.webp":       {Header{Format: "webp"}, colours},
		"lossy-alpha.webp": {Header{Format: "webp"}, through},
	} {
		data, err := os.ReadFile("testdata/format-" + name)
		if err != nil {
			t.Fatal(err)
		}
		img, header, err := Decode(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		test.header.Width, test.header.Height, test.header.Orientation = 32, 32, 1
		if header != test.header {
			t.Errorf("%s: header %+v, want %+v", name, header, test.header)
		}
		for n, want := range test.want {
			r, g, b, a := img.At(8+n%2*16, 8+n/2*16).RGBA()
			got := quarter{r >> 8, g >> 8, b >> 8, a >> 8}
			for c := range got {
				if d := int(got[c]) - int(want[c]); d < -5 || d > 5 {
					t.Errorf("%s, quarter %d: %v, want %v", name, n, got, want)
					break
				}
			}
		}
	}
}

func TestDeep(t *testing.T) {
	img := image.NewNRGBA64(image.Rect(0, 0, 3, 2))
	img.SetNRGBA64(1, 1, color.NRGBA64{0x1234, 0x5678, 0x9abc, 0xffff})
	got, header, err := Decode(picturetest.PNG(t, img))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Header{Format: "png", Width: 3, Height: 2, Orientation: 1, Deep: true}); header != want {
		t.Errorf("header %+v, want %+v", header, want)
	}
	if r, g, b, _ := got.At(1, 1).RGBA(); r != 0x1234 || g != 0x5678 || b != 0x9abc {
		t.Errorf("%x %x %x", r, g, b)
	}
}

// A GIF's first frame lies at its place in the picture, and what it leaves free is transparent. One of the picture's size stays as
// it is.
func TestSmallFrame(t *testing.T) {
	red := color.RGBA{255, 0, 0, 255}
	encode := func(frame image.Rectangle) []byte {
		var b bytes.Buffer
		small := image.NewPaletted(frame, color.Palette{red, color.RGBA{}})
		small.SetColorIndex(frame.Min.X, frame.Min.Y, 1)
		if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{small}, Delay: []int{0}, Config: image.Config{Width: 9, Height: 6}}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, frame := range []image.Rectangle{image.Rect(0, 0, 9, 6), image.Rect(2, 1, 9, 6), image.Rect(0, 0, 4, 3), image.Rect(3, 2, 5, 4)} {
		got, header, err := Decode(encode(frame))
		if err != nil || got.Bounds() != image.Rect(0, 0, 9, 6) || !header.Palette {
			t.Errorf("frame %v: picture of %v, header %+v (error %v)", frame, got.Bounds(), header, err)
			continue
		}
		if _, ok := got.(*image.Paletted); ok != (frame == got.Bounds()) {
			t.Errorf("frame %v: %T", frame, got)
		}
		for y := range 6 {
			for x := range 9 {
				want := color.RGBA{}
				if at := image.Pt(x, y); at.In(frame) && at != frame.Min {
					want = red
				}
				if c := color.RGBAModel.Convert(got.At(x, y)); c != want {
					t.Errorf("frame %v at %d,%d: %v, want %v", frame, x, y, c, want)
				}
			}
		}
	}
}

// A file cut off anywhere is an error in every format, which says so where there was enough of it to know the format.
func TestTruncated(t *testing.T) {
	scene := picturetest.Scene(1, 48, 40)
	encoded := map[string][]byte{"jpeg": picturetest.JPEG(t, scene, 90), "png": picturetest.PNG(t, scene)}
	var b bytes.Buffer
	if err := gif.Encode(&b, scene, nil); err != nil {
		t.Fatal(err)
	}
	encoded["gif"] = bytes.Clone(b.Bytes())
	b.Reset()
	if err := bmp.Encode(&b, scene); err != nil {
		t.Fatal(err)
	}
	encoded["bmp"] = bytes.Clone(b.Bytes())
	b.Reset()
	if err := tiff.Encode(&b, scene, nil); err != nil {
		t.Fatal(err)
	}
	encoded["tiff"] = bytes.Clone(b.Bytes())
	for _, name := range []string{"progressive.jpg", "cmyk.jpg", "alpha.webp"} {
		data, err := os.ReadFile("testdata/format-" + name)
		if err != nil {
			t.Fatal(err)
		}
		encoded[name] = data
	}
	for name, data := range encoded {
		if _, _, err := Decode(data); err != nil {
			t.Errorf("%s, whole: %v", name, err)
		}
		step := max(1, len(data)/97)
		for n := 1; n < len(data)*9/10; n += step {
			_, _, err := Decode(data[:n])
			if err == nil {
				t.Errorf("%s, %d of %d bytes: no error", name, n, len(data))
			} else if n > 40 && !errors.Is(err, ErrTruncated) {
				t.Errorf("%s, %d of %d bytes: %v, want it cut off", name, n, len(data), err)
			}
		}
	}
}

// What is no whole picture gives one clear error.
func TestBroken(t *testing.T) {
	dir := t.TempDir()
	jpeg := picturetest.JPEG(t, picturetest.Scene(1, 64, 48), 90)
	for _, test := range []struct {
		path string
		is   error
		want string
	}{
		{write(t, filepath.Join(dir, "zero.jpg"), nil), ErrEmpty, "the file is empty"},
		{write(t, filepath.Join(dir, "cut.jpg"), jpeg[:len(jpeg)/2]), ErrTruncated, "the picture is cut off: it ends after"},
		{write(t, filepath.Join(dir, "page.jpg"), []byte("<!DOCTYPE html><html>gone</html>")), ErrUnknown, `it begins with "<!DOCTYPE html><"`},
		{write(t, filepath.Join(dir, "phone.jpg"), []byte("\x00\x00\x00\x24ftypheic\x00\x00\x00\x00")), ErrUnknown, "HEIC or AVIF; convert it to JPEG"},
		{write(t, filepath.Join(dir, "bomb.png"), picturetest.Bomb(t)), ErrTooLarge, "50000×50000 pixels"},
		{write(t, filepath.Join(dir, "tall.png"), picturetest.PNG(t, image.NewGray(image.Rect(0, 0, 1, 65_536)))), ErrTooLarge, "1×65536 pixels, at most 65535 along a side"},
		{write(t, filepath.Join(dir, "wide.png"), picturetest.PNG(t, image.NewGray(image.Rect(0, 0, 65_536, 1)))), ErrTooLarge, "65536×1 pixels, at most 65535 along a side"},
		{write(t, filepath.Join(dir, "moving.webp"), animated()), errAnimated, "an animated WebP, of which no picture is read: convert it"},
		{dir, nil, "a folder"},
		{os.DevNull, nil, "not a regular file"},
		{filepath.Join(dir, "none.jpg"), os.ErrNotExist, "none.jpg: no such file"},
	} {
		_, err := Open(test.path)
		if err == nil || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: error %v, want %v", test.path, err, test.is)
			continue
		}
		if !strings.HasPrefix(err.Error(), test.path+": ") || strings.Count(err.Error(), test.path) != 1 || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: message %q, want the path once and %q", test.path, err, test.want)
		}
	}
}

// The longest side that JPEG has is read.
func TestLongest(t *testing.T) {
	for _, size := range []image.Rectangle{image.Rect(0, 0, 1, 65_535), image.Rect(0, 0, 65_535, 1)} {
		if got, _, err := Decode(picturetest.PNG(t, image.NewGray(size))); err != nil || got.Bounds() != size {
			t.Errorf("%v: error %v", size, err)
		}
	}
}

// A picture that would fill the memory is refused from its header. Without the check the decoder takes 2.5 GB.
func TestBombAllocatesNothing(t *testing.T) {
	bomb := picturetest.Bomb(t)
	if config, err := png.DecodeConfig(bytes.NewReader(bomb)); err != nil || config.Width != 50_000 || config.Height != 50_000 {
		t.Fatalf("the bomb is no picture of 50,000×50,000: %+v, %v", config, err)
	}
	for name, data := range map[string][]byte{"png": bomb, "webp": canvas(16000, 16000, 1, 1), "webp frame": canvas(1, 1, 16383, 16383)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := Decode(data)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: error %v, want %v", name, err, ErrTooLarge)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes allocated", name, n)
		}
	}
}

// canvas is the beginning of an extended WebP file whose canvas and frame differ in size.
func canvas(width, height, frameWidth, frameHeight int) []byte {
	body := []byte("WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00")
	for _, n := range []int{width - 1, height - 1} {
		body = append(body, byte(n), byte(n>>8), byte(n>>16))
	}
	bits := uint32(frameWidth-1) | uint32(frameHeight-1)<<14
	body = append(body, "VP8L\x06\x00\x00\x00\x2f"...)
	body = append(binary.LittleEndian.AppendUint32(body, bits), 0)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// animated is a WebP file of one frame, which a decoder of pictures at rest doesn't look into.
func animated() []byte {
	data := canvas(4, 3, 4, 3)
	const at = len("RIFF....WEBP")
	frame := bytes.Clone(data[at+18:]) // behind VP8X
	data = append(data[:at+18], "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00ANMF"...)
	data = append(binary.LittleEndian.AppendUint32(data, uint32(16+len(frame))), "\x00\x00\x00\x00\x00\x00\x03\x00\x00\x02\x00\x00\x64\x00\x00\x00"...)
	data = append(data, frame...)
	data[at+8] = 1 << 1
	binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-8))
	return data
}

// Any bytes: a picture within the limits or an error, never a panic, and the header is the decoded picture's.
func FuzzInspect(f *testing.F) {
	files, err := filepath.Glob("testdata/format-*")
	if err != nil || len(files) == 0 {
		f.Fatal("no pictures", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	scene := picturetest.JPEG(f, picturetest.Scene(1, 8, 8), 50)
	f.Add(picturetest.Oriented(scene, binary.BigEndian, 6))
	f.Add(picturetest.Oriented(scene, binary.LittleEndian, 3)[:40])
	f.Add(canvas(1, 1, 16383, 16383))
	f.Add(animated())
	f.Add(picturetest.Bomb(f)[:64])
	f.Fuzz(func(t *testing.T, data []byte) {
		header, err := Inspect(data)
		if err != nil {
			return
		}
		if header.Width <= 0 || header.Height <= 0 || header.Width > MaxPixels/header.Height || header.Orientation < 1 || header.Orientation > 8 {
			t.Fatalf("header %+v", header)
		}
		if header.Width*header.Height > 1<<20 {
			return // within the limit, but not in every second of a fuzz run
		}
		img, again, err := Decode(data)
		if err == nil && (img.Bounds().Empty() || again != header) {
			t.Errorf("header %+v, then %+v and a picture of %v", header, again, img.Bounds())
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	path := write(b, filepath.Join(b.TempDir(), "x.jpg"), picturetest.JPEG(b, picturetest.Scene(1, 500, 375), 90))
	for b.Loop() {
		if _, err := Open(path); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleOpen() {
	_, err := Open("testdata/formats.py")
	fmt.Println(err)
	// Output: testdata/formats.py: not a picture in a format that is read (JPEG, PNG, GIF, BMP, TIFF, WebP): it begins with "\"\"\"Makes the pic"
}
