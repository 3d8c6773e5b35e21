package runfolder

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// LogWriter opens log.txt for appending. Every line written is preceded by its time (UTC, with ms); a line that
// overwrote itself with carriage returns, as progress bars do, is kept as it stood last. A line is in the file as
// soon as its newline is written; Close writes an unfinished one too.
func (f *Folder) LogWriter() (io.WriteCloser, error) {
	file, err := os.OpenFile(f.Path(LogFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return &logWriter{file: file, now: time.Now}, nil
}

type logWriter struct {
	mu   sync.Mutex
	file io.WriteCloser
	now  func() time.Time
	rest []byte // an unfinished line
}

func (l *logWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 {
			break
		}
		line := l.rest[:end]
		l.rest = l.rest[end+1:]
		if err := l.writeLine(line); err != nil {
			return 0, err
		}
	}
	// Of an unfinished line only what follows the last carriage return before more text can still count.
	if cr := bytes.LastIndexByte(bytes.TrimRight(l.rest, "\r"), '\r'); cr >= 0 {
		l.rest = l.rest[cr+1:]
	}
	return len(p), nil
}

func (l *logWriter) writeLine(line []byte) error {
	line = bytes.TrimRight(line, "\r")
	if cr := bytes.LastIndexByte(line, '\r'); cr >= 0 {
		line = line[cr+1:]
	}
	line = bytes.TrimRight(line, " \t")
	_, err := fmt.Fprintf(l.file, "%s  %s\n", l.now().UTC().Format("2006-01-02T15:04:05.000Z"), line)
	return err
}

func (l *logWriter) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		if err := l.writeLine(l.rest); err != nil {
			l.file.Close()
			return err
		}
		l.rest = nil
	}
	return l.file.Close()
}
