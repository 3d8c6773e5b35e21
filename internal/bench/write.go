package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// ResultsFile is what both sides append their lines to, in a comparison's folder.
const ResultsFile = "results.jsonl"

// settingFile keeps what Begin was told.
const settingFile = "setting.json"

// Begin makes a comparison's folder and notes when and where it runs.
func Begin(dir string, s Setting) error {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(dir, settingFile), append(text, '\n'), 0o644)
}

// Write makes, of the lines in a folder that Begin made, table.md, table.csv and, where a peer measured, ratios.svg and
// ratios.png. It returns the Markdown. Where a side failed or computed something else, all is written, and the error says
// which.
func Write(dir string) (string, error) {
	var s Setting
	path := filepath.Join(dir, settingFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	path = filepath.Join(dir, ResultsFile)
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	lines, err := Read(file, path)
	if err != nil {
		return "", err
	}
	if len(lines) == 0 {
		return "", fmt.Errorf("%s is empty: nothing was measured", path)
	}
	rows := summarize(lines)
	page := markdown(rows, s)
	sheet, err := commaSeparated(rows)
	if err != nil {
		return "", err
	}
	files := map[string][]byte{"table.md": []byte(page), "table.csv": sheet}
	if bars := barsOf(rows); len(bars) > 0 {
		if files["ratios.svg"], files["ratios.png"], err = drawRatios(bars); err != nil {
			return "", err
		}
	}
	for name, data := range files {
		if err := renameio.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return "", err
		}
	}
	return page, failures(rows)
}

// failures names every side that failed or computed something else.
func failures(rows []row) error {
	var all []error
	for _, r := range rows {
		for _, s := range append([]side{r.ours}, r.peers...) {
			if len(s.errors) > 0 {
				all = append(all, fmt.Errorf("%s, %s: %s", r.name, title(s.who), strings.Join(s.errors, "; ")))
			}
		}
	}
	return errors.Join(all...)
}
