package tensorboard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Writer writes events. Each event is one write, so that a reader beside it, and whoever comes after a kill, has all
// events but perhaps a torn last one, which readers skip.
type Writer struct {
	out    io.Writer
	buffer []byte
}

// NewWriter begins an event file on out.
func NewWriter(out io.Writer, at time.Time) (*Writer, error) {
	w := &Writer{out: out}
	return w, w.event(at, 0, 3, []byte("brain.Event:2")) // file_version
}

// Write writes an event of several values at a step.
func (w *Writer) Write(at time.Time, step int, values ...Value) error {
	var summary []byte
	for _, v := range values {
		summary = message(summary, 1, v.encoded)
	}
	return w.event(at, step, 5, summary)
}

// Purge says that the run goes on before step: what earlier files of the folder have of step and later is dropped by
// readers (SessionLog.START). The first part of a run needs one, too: TensorBoard drops nothing at the first that it sees.
func (w *Writer) Purge(at time.Time, step int) error {
	const start = 1
	return w.event(at, step, 7, integer(nil, 1, start))
}

func (w *Writer) event(at time.Time, step int, field protowire.Number, content []byte) error {
	e := double(nil, 1, seconds(at))
	if step > 0 {
		e = integer(e, 2, uint64(step))
	}
	e = message(e, field, content)
	w.buffer = appendRecord(w.buffer[:0], e)
	if _, err := w.out.Write(w.buffer); err != nil {
		return fmt.Errorf("TensorBoard events: %w", err)
	}
	return nil
}

// File is an event file that grows while a run goes on.
type File struct {
	*Writer
	file *os.File
}

// Append begins a new event file in dir, which is made where there is none. Earlier reports whether the folder has event
// files of an earlier part of the run.
func Append(dir string, at time.Time) (f *File, earlier bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, false, fmt.Errorf("TensorBoard events: %w", err)
	}
	files, err := files(dir)
	if err != nil {
		return nil, false, err
	}
	name, err := NextName(dir, at)
	if err != nil {
		return nil, false, err
	}
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, false, fmt.Errorf("TensorBoard events: %w", err)
	}
	w, err := NewWriter(file, at)
	if err != nil {
		return nil, false, errors.Join(err, file.Close())
	}
	return &File{w, file}, len(files) > 0, nil
}

// Sync forces what was written to disk.
func (f *File) Sync() error { return f.file.Sync() }

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// prefix begins the names by which TensorBoard knows event files.
const prefix = "events.out.tfevents."

// NextName is the name of an event file that TensorBoard reads after those in dir: it goes through them in the order of
// their names, which begin with the second of their creation, and never goes back.
func NextName(dir string, at time.Time) (string, error) {
	names, err := files(dir)
	if err != nil {
		return "", err
	}
	second, number := at.Unix(), 0
	for _, name := range names {
		var s int64
		var n int
		// Names of other programs have a host in place of the number.
		if _, err := fmt.Sscanf(strings.TrimPrefix(name, prefix), "%d.%d", &s, &n); s == 0 && err != nil {
			continue
		}
		second, number = max(second, s), max(number, n+1) // a clock that was set back doesn't count
	}
	return fmt.Sprintf("%s%010d.%04d.captionlab", prefix, second, number), nil
}

// files are the event files of a folder, in the order of their names; none where there is no folder.
func files(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("TensorBoard events: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Remove removes the event files of a folder whose names end so; "" is all of them.
func Remove(dir, suffix string) error {
	names, err := files(dir)
	for _, name := range names {
		if strings.HasSuffix(name, suffix) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
		}
	}
	return err
}

// Bytes is a whole event file that write fills.
func Bytes(at time.Time, write func(*Writer) error) ([]byte, error) {
	var b bytes.Buffer
	w, err := NewWriter(&b, at)
	if err == nil {
		err = write(w)
	}
	return b.Bytes(), err
}
