package dataset

import (
	"bytes"
	"os"
	"strings"
)

// line is one line of a text file, counted from 1.
type line struct {
	text   string
	number int
}

// readLines reads a text file's lines that are not blank: LF, CRLF or CR, with or without a byte order mark.
func readLines(path string) ([]line, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text := string(bytes.TrimPrefix(data, []byte("\ufeff")))
	if !strings.Contains(text, "\n") { // as Macs wrote once
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	var lines []line
	number := 0
	for row := range strings.SplitSeq(text, "\n") {
		number++
		if row = strings.TrimSuffix(row, "\r"); strings.TrimSpace(row) != "" {
			lines = append(lines, line{row, number})
		}
	}
	return lines, nil
}
