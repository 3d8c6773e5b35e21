// Package eventtest reads event files back for tests, framing and checksums included, by other code than writes them.
package eventtest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Event is one event of a file.
type Event struct {
	File    string // the file's name
	Wall    time.Time
	Step    int
	Version string // of a file's first event
	Purge   bool   // SessionLog.START
	Values  []Value
}

// Value is one value of an event's summary.
type Value struct {
	Tag, Plugin, Title, Description string
	Scalar                          float64 // NaN for a tensor
	Strings                         []string
	Content                         []byte // of the plugin's metadata
}

// Point is a scalar at a step.
type Point struct {
	Step  int
	Value float64
}

// Read reads the event files of a folder in the order of their names. A record that is cut off ends its file.
func Read(t testing.TB, dir string) (events []Event) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		records, err := Records(data)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for n, r := range records {
			e := event(t, r)
			e.File = filepath.Base(path)
			if (n == 0) != (e.Version == "brain.Event:2") {
				t.Errorf("%s: event %d has the version %q", path, n, e.Version)
			}
			events = append(events, e)
		}
	}
	return events
}

// Kept are the scalars that TensorBoard keeps, by tag: those of later steps than a purge's are dropped.
func Kept(events []Event) map[string][]Point {
	kept, started := map[string][]Point{}, false
	for _, e := range events {
		if e.Purge && !started {
			started = true // the run's beginning, at which nothing is dropped
		} else if e.Purge {
			for tag, points := range kept {
				kept[tag] = slices.DeleteFunc(points, func(p Point) bool { return p.Step >= e.Step })
			}
		}
		for _, v := range e.Values {
			if !math.IsNaN(v.Scalar) {
				kept[v.Tag] = append(kept[v.Tag], Point{e.Step, v.Scalar})
			}
		}
	}
	return kept
}

// Records takes a file of TFRecords apart and checks both checksums of each.
func Records(data []byte) (records [][]byte, err error) {
	table := crc32.MakeTable(crc32.Castagnoli)
	check := func(what string, data []byte, stored uint32) error {
		rotated := stored - 0xa282ead8 // unmask, as TensorFlow's crc32c.h does
		if crc := rotated>>17 | rotated<<15; crc != crc32.Checksum(data, table) {
			return fmt.Errorf("record %d: wrong checksum of the %s", len(records), what)
		}
		return nil
	}
	for len(data) >= 12 {
		length := int(binary.LittleEndian.Uint64(data))
		if err := check("length", data[:8], binary.LittleEndian.Uint32(data[8:])); err != nil {
			return records, err
		}
		if len(data) < 12+length+4 {
			break
		}
		body := data[12 : 12+length]
		if err := check("data", body, binary.LittleEndian.Uint32(data[12+length:])); err != nil {
			return records, err
		}
		records, data = append(records, body), data[12+length+4:]
	}
	return records, nil
}

// fields calls each with every field of a message: its bytes, or its number.
func fields(t testing.TB, m []byte, each func(n protowire.Number, data []byte, x uint64)) {
	t.Helper()
	for len(m) > 0 {
		number, kind, size := protowire.ConsumeTag(m)
		if size < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		m = m[size:]
		var data []byte
		var x uint64
		switch kind {
		case protowire.BytesType:
			data, size = protowire.ConsumeBytes(m)
		case protowire.VarintType:
			x, size = protowire.ConsumeVarint(m)
		case protowire.Fixed64Type:
			x, size = protowire.ConsumeFixed64(m)
		case protowire.Fixed32Type:
			var y uint32
			y, size = protowire.ConsumeFixed32(m)
			x = uint64(y)
		default:
			t.Fatalf("field %d has type %d", number, kind)
		}
		if size < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		m = m[size:]
		each(number, data, x)
	}
}

func event(t testing.TB, record []byte) (e Event) {
	t.Helper()
	fields(t, record, func(n protowire.Number, data []byte, x uint64) {
		switch n {
		case 1:
			e.Wall = time.UnixMicro(int64(math.Round(math.Float64frombits(x) * 1e6)))
		case 2:
			e.Step = int(x)
		case 3:
			e.Version = string(data)
		case 5:
			fields(t, data, func(_ protowire.Number, data []byte, _ uint64) { e.Values = append(e.Values, value(t, data)) })
		case 7:
			fields(t, data, func(n protowire.Number, _ []byte, x uint64) { e.Purge = n == 1 && x == 1 })
		default:
			t.Fatalf("an event with field %d", n)
		}
	})
	return e
}

func value(t testing.TB, m []byte) Value {
	t.Helper()
	v := Value{Scalar: math.NaN()}
	fields(t, m, func(n protowire.Number, data []byte, x uint64) {
		switch n {
		case 1:
			v.Tag = string(data)
		case 2:
			v.Scalar = float64(math.Float32frombits(uint32(x)))
		case 8:
			fields(t, data, func(n protowire.Number, data []byte, _ uint64) {
				if n == 8 {
					v.Strings = append(v.Strings, string(data))
				}
			})
		case 9:
			fields(t, data, func(n protowire.Number, data []byte, _ uint64) {
				switch n {
				case 1:
					fields(t, data, func(n protowire.Number, data []byte, _ uint64) {
						if n == 1 {
							v.Plugin = string(data)
						} else {
							v.Content = data
						}
					})
				case 2:
					v.Title = string(data)
				case 3:
					v.Description = string(data)
				}
			})
		}
	})
	return v
}
