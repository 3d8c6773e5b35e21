package score

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// METEOR is how METEOR 1.5 is run (Denkowski & Lavie 2014): through its own jar, with all four stages, as
// pycocoevalcap does.
type METEOR struct {
	Java string // the program
	Jar  string // meteor-1.5.jar; data/paraphrase-en.gz lies beside it
}

// METEORFiles are what METEOR needs in a folder besides Java: the jar and its paraphrases.
var METEORFiles = []string{"meteor-1.5.jar", filepath.Join("data", "paraphrase-en.gz")}

// FindMETEOR looks for Java, and for the jar in a folder. The error says what is missing.
func FindMETEOR(folder string) (*METEOR, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, errors.New("METEOR needs Java, which is not on the PATH")
	}
	for _, name := range METEORFiles {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return nil, fmt.Errorf("METEOR needs %s: %w", name, err)
		}
	}
	return &METEOR{Java: java, Jar: filepath.Join(folder, METEORFiles[0])}, nil
}

// The statistics that the jar prints for an image: the lengths and function words of candidate and reference, for each
// of the four stages the matched content and function words of both, then chunks and matched words of both.
const (
	meteorStages  = 4
	meteorMatches = 4 // where the stages begin
	meteorChunks  = meteorMatches + 4*meteorStages
	meteorWidth   = meteorChunks + 3
)

// measureMETEOR asks the jar for every image's statistics, and makes scores of them by its formula.
func measureMETEOR(ctx context.Context, s *set) (*measured, error) {
	var input bytes.Buffer
	for n := range s.images {
		candidate, references := s.of(n)
		input.WriteString("SCORE")
		for _, r := range references {
			input.WriteString(" ||| " + strings.ReplaceAll(r.text, "|||", ""))
		}
		input.WriteString(" ||| " + strings.ReplaceAll(strings.ReplaceAll(candidate.text, "|||", ""), "  ", " ") + "\n")
	}
	m := &measured{width: meteorWidth, finish: finishMETEOR}
	err := s.meteor.run(ctx, &input, len(s.images), func(line string) error {
		row, err := meteorRow(line)
		m.rows = append(m.rows, row...)
		return err
	})
	return m, err
}

// run feeds the jar and reads as many lines from it.
func (j *METEOR) run(ctx context.Context, input io.Reader, lines int, read func(line string) error) error {
	jar, err := filepath.Abs(j.Jar)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	command := exec.CommandContext(ctx, j.Java, "-Xmx2G", "-Dfile.encoding=UTF-8", "-jar", jar, "-", "-", "-stdio", "-l", "en", "-norm")
	command.Dir = filepath.Dir(jar)
	command.Stdin = input
	command.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", j.Java, err)
	}
	scanner := bufio.NewScanner(out)
	got := 0
	for ; got < lines && scanner.Scan(); got++ {
		if err = read(scanner.Text()); err != nil {
			stop()
			break
		}
	}
	_, _ = io.Copy(io.Discard, out)
	ended := command.Wait()
	switch {
	case ctx.Err() != nil && err == nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case got < lines:
		return fmt.Errorf("%s answered %d of %d images (%w): %s", filepath.Base(jar), got, lines, errors.Join(ended, scanner.Err()), firstLine(said.String()))
	}
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// meteorRow reads the statistics of one image. A caption that matches in one piece counts as no chunk.
func meteorRow(line string) ([]float64, error) {
	fields := strings.Fields(line)
	if len(fields) != meteorWidth {
		return nil, fmt.Errorf("the jar answered %.60q instead of %d numbers", line, meteorWidth)
	}
	row := make([]float64, meteorWidth)
	for n, f := range fields {
		var err error
		if row[n], err = strconv.ParseFloat(f, 64); err != nil {
			return nil, fmt.Errorf("the jar answered %.60q: %w", line, err)
		}
	}
	mine, theirs := meteorTotals(row)
	if mine == row[0] && theirs == row[1] && row[meteorChunks] == 1 {
		row[meteorChunks] = 0
	}
	return row, nil
}

// meteorTotals are the matches of candidate and reference.
func meteorTotals(sum []float64) (mine, theirs float64) {
	for n := meteorMatches; n < meteorChunks; n += 2 {
		mine += sum[n]
		theirs += sum[n+1]
	}
	return mine, theirs
}

// finishMETEOR is the jar's formula (MeteorScorer.computeMetrics) with its parameters for ranking English.
func finishMETEOR(sum []float64, _ float64, scores []float64) {
	const alpha, beta, gamma, delta = 0.85, 0.2, 0.6, 0.75
	weights := [meteorStages]float64{1, 0.6, 0.8, 0.6} // exact, stem, synonym, paraphrase
	weighted := func(content, function float64) float64 { return delta*content + (1-delta)*function }
	var mine, theirs float64
	for n, w := range weights {
		at := sum[meteorMatches+4*n:]
		mine += w * weighted(at[0], at[2])
		theirs += w * weighted(at[1], at[3])
	}
	precision := mine / weighted(sum[0]-sum[2], sum[2])
	recall := theirs / weighted(sum[1]-sum[3], sum[3])
	f := 1 / ((1-alpha)/precision + alpha/recall)
	pieces := sum[meteorChunks] / ((sum[meteorChunks+1] + sum[meteorChunks+2]) / 2)
	scores[0] = f * (1 - gamma*math.Pow(pieces, beta))
	if math.IsNaN(scores[0]) || scores[0] < 0 {
		scores[0] = 0
	}
}

func signMETEOR(_ string, s *set) string {
	return signature("METEOR", s, "1.5", "lang:en", "norm:yes", "stages:exact,stem,synonym,paraphrase", "task:rank", "tok:"+tokenizer)
}
