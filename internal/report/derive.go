package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"gonum.org/v1/gonum/stat"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// bestEpoch is the epoch whose model was kept: that of the lowest validation loss, or of the highest metric where
// training.select names one; the first of equals.
func bestEpoch(d Data) (best runfolder.Epoch, ok bool) {
	if byMetric(d) && len(d.Epochs) > 0 {
		return slices.MaxFunc(d.Epochs, func(a, b runfolder.Epoch) int { return cmp.Compare(a.SelectionMetric, b.SelectionMetric) }), true
	}
	for _, e := range d.Epochs {
		if finite(e.ValidationLoss) && (!ok || e.ValidationLoss < best.ValidationLoss) {
			best, ok = e, true
		}
	}
	return best, ok
}

// selectionMetric is the metric of captions by which training.select has the best epoch chosen; "" where the loss chooses.
func selectionMetric(d Data) string {
	name, _ := strconv.Unquote(flatSettings(d.Resolved)["training.select"])
	if name == "" || name == "loss" {
		return ""
	}
	return metricName(name)
}

func byMetric(d Data) bool { return selectionMetric(d) != "" }

// paddingCounted tells that padding is among the tokens that losses and accuracies are taken over.
func paddingCounted(d Data) bool {
	return flatSettings(d.Resolved)["training.padding"] == strconv.Quote("counted")
}

// paddingNote says so; "" where padding is masked.
func paddingNote(d Data) string {
	if !paddingCounted(d) {
		return ""
	}
	return " Padding counts among the tokens (training.padding = \"counted\"): it is easy to predict, and makes the loss lower and the accuracy higher " +
		"than those of the captions alone."
}

// teacherForced ends the captions of tables of such figures.
func teacherForced(d Data) string {
	if paddingCounted(d) {
		return " (teacher-forced, padding counted)"
	}
	return " (teacher-forced)"
}

// keyFigures are the few figures that a reader looks for first.
func keyFigures(d Data) []keyFigure {
	var figures []keyFigure
	add := func(name, value, unit, meaning string) {
		figures = append(figures, keyFigure{name, value, unit, meaning})
	}
	best, ok := bestEpoch(d)
	if ok {
		name, is := "Best validation loss", "Lowest of %s, at epoch %d."
		if byMetric(d) {
			name, is = "Validation loss", "Of %s, greedy captions had the best "+selectionMetric(d)+" ("+fixed(100*best.SelectionMetric, 1)+") at epoch %d."
		}
		meaning, by := fmt.Sprintf(is, english.Plural(len(d.Epochs), "epoch", ""), best.Epoch), "at the same epoch"
		if mean, text, kept := keptMean(d, best); kept {
			name, best, meaning, by = "Validation loss", mean, text, "by the same weights"
		}
		add(name, fixed(best.ValidationLoss, 3), "nats a token", "Teacher-forced: each token is predicted from the true ones before it. "+meaning+paddingNote(d))
		add("Validation accuracy", percent(best.ValidationAccuracy), "of tokens",
			"Teacher-forced, "+by+": accuracy a token, not the share of good captions. Not comparable between "+
				"characters and words."+paddingNote(d))
	}
	figures = append(figures, ensembleFigures(d)...)
	if ok && finite(best.ValidationNatsPerCharacter) {
		if d.Floor != nil && finite(d.Floor.NatsPerCharacter) {
			add("Above the entropy floor", signed(best.ValidationNatsPerCharacter-d.Floor.NatsPerCharacter, 3), "nats a character",
				fmt.Sprintf("The model needs %s nats a character; of pictures that it has not seen no model can need less than %s, the entropy "+
					"of the captions given the picture.", fixed(best.ValidationNatsPerCharacter, 3), fixed(d.Floor.NatsPerCharacter, 3)))
		} else {
			add("Validation loss a character", fixed(best.ValidationNatsPerCharacter, 3), "nats a character",
				fmt.Sprintf("A caption's loss over its characters: %s bits a character, %s nats a caption. These compare tokenizers, as long as "+
					"few tokens are unknown and none leaves punctuation out.", fixed(best.ValidationNatsPerCharacter/math.Ln2, 3), fixed(best.ValidationNatsPerCaption, 2)))
		}
	}
	if c, ok := control(d.Controls, "zeroed"); ok {
		add("Worth of the picture", signed(c.Loss-d.Controls[0].Loss, 3), "nats a token",
			"How much the loss rises when the picture's features are set to zero. Near 0, the model ignores pictures.")
	}
	if total := stageSeconds(d.Info); total > 0 {
		meaning := "All stages of the run."
		if n := len(d.Epochs); n > 0 && finite(d.Epochs[n-1].TotalSeconds) {
			meaning += " Training alone: " + duration(d.Epochs[n-1].TotalSeconds)
			if d.Info.Continues != "" {
				meaning += ", with that of the run it went on from"
			}
			meaning += "."
		}
		add("Time", duration(total), "", meaning)
	}
	if d.Info.PeakMemoryBytes > 0 {
		add("Peak memory", humanize.IBytes(uint64(d.Info.PeakMemoryBytes)), "", "Most resident memory of the process.")
	}
	return figures
}

func plotFigures(d Data) []plotFigure {
	if len(d.Epochs) == 0 {
		return nil
	}
	alt := "No validation figures."
	accuracy := alt
	if best, ok := bestEpoch(d); ok {
		first, last := d.Epochs[0], d.Epochs[len(d.Epochs)-1]
		is := "the lowest"
		if byMetric(d) {
			is = "the kept epoch's"
		}
		alt = fmt.Sprintf("Validation loss goes from %s at epoch %d to %s at epoch %d; "+is+" is %s at epoch %d.",
			fixed(first.ValidationLoss, 3), first.Epoch, fixed(last.ValidationLoss, 3), last.Epoch, fixed(best.ValidationLoss, 3), best.Epoch)
		accuracy = fmt.Sprintf("Validation accuracy goes from %s at epoch %d to %s at epoch %d.",
			percent(first.ValidationAccuracy), first.Epoch, percent(last.ValidationAccuracy), last.Epoch)
	}
	meaning := "Mean cross-entropy a token. Training loss is taken with dropout on and before each step, so it may lie above validation." + paddingNote(d)
	if d.Floor != nil && finite(d.Floor.NatsPerToken) {
		meaning += " The dashed line is the entropy of the captions given the picture: of pictures that it has not seen no model can get below it."
		alt += fmt.Sprintf(" The entropy floor is %s.", fixed(d.Floor.NatsPerToken, 3))
	}
	if len(d.Controls) > 1 {
		meaning += " Dotted lines: what is left without the picture (see Controls)."
	}
	draw := func(c chart) func() (svg, png []byte, err error) {
		return func() (svg, png []byte, err error) { return c.render(d.Epochs) }
	}
	return []plotFigure{
		{Name: "Loss by epoch", File: "plots/loss", Alt: alt, Meaning: meaning, draw: draw(lossChart(d))},
		{Name: "Accuracy by epoch", File: "plots/accuracy", Alt: accuracy, draw: draw(accuracyChart(d)),
			Meaning: "Share of tokens predicted right when the true ones before are given. High by nature at character level, " +
				"where spaces and word endings are easy." + paddingNote(d)},
	}
}

func epochTable(d Data) table {
	t := table{Caption: "Every epoch" + teacherForced(d), Columns: []column{
		{Name: "Epoch", Number: true}, {Name: "Train loss", Number: true}, {Name: "Validation loss", Number: true},
		{Name: "Nats a character", Number: true}, {Name: "Bits a character", Number: true}, {Name: "Nats a caption", Number: true}, {Name: "Train accuracy", Number: true}, {Name: "Validation accuracy", Number: true},
		{Name: "Learning rate", Number: true}, {Name: "Seconds", Number: true}, {Name: "Examples/s", Number: true},
	}}
	best, ok := bestEpoch(d)
	selected := byMetric(d)
	if selected {
		t.Columns = append(t.Columns, column{Name: "Greedy captions' " + selectionMetric(d) + ", %", Number: true})
	}
	for _, e := range d.Epochs {
		n := strconv.Itoa(e.Epoch)
		if ok && e.Epoch == best.Epoch {
			n = "best → " + n
		}
		if e.SelfCritical {
			n += " (self-critical)"
		}
		cells := []string{n, fixed(e.TrainLoss, 4), fixed(e.ValidationLoss, 4), fixed(e.ValidationNatsPerCharacter, 4),
			fixed(e.ValidationNatsPerCharacter/math.Ln2, 4), fixed(e.ValidationNatsPerCaption, 2), percent(e.TrainAccuracy),
			percent(e.ValidationAccuracy), strconv.FormatFloat(e.LearningRate, 'g', 4, 64), fixed(e.Seconds, 1), fixed(e.ExamplesPerSecond, 0)}
		if selected {
			cells = append(cells, fixed(100*e.SelectionMetric, 1))
		}
		t.row(cells...)
	}
	return t
}

func control(controls []Control, name string) (Control, bool) {
	for i, c := range controls {
		if i > 0 && c.Name == name && finite(c.Loss) && finite(controls[0].Loss) {
			return c, true
		}
	}
	return Control{}, false
}

func controlTable(d Data) table {
	t := table{Caption: "The model, and what is left without its picture" + teacherForced(d), Columns: []column{
		{Name: "Features"}, {Name: "Meaning"}, {Name: "Split"}, {Name: "Loss (nats a token)", Number: true},
		{Name: "Against the model", Number: true}, {Name: "Nats a character", Number: true}, {Name: "Bits a character", Number: true},
		{Name: "Nats a caption", Number: true}, {Name: "Accuracy a token", Number: true},
	}}
	model := map[string]float64{} // by split
	for _, c := range d.Controls {
		against := "–"
		if c.Name == modelName {
			model[c.Split] = c.Loss
		} else if loss, ok := model[c.Split]; ok {
			against = signed(c.Loss-loss, 3)
		}
		t.row(c.Name, c.Meaning, c.Split, fixed(c.Loss, 3), against, fixed(c.NatsPerCharacter, 3), fixed(c.NatsPerCharacter/math.Ln2, 3),
			fixed(c.NatsPerCaption, 2), percent(c.Accuracy))
	}
	return t
}

// modelName is the control row of the model itself, with its pictures.
const modelName = "model"

// verdict says in words what the controls without the picture mean.
func verdict(controls []Control) string {
	said := zeroedVerdict(controls)
	if c, ok := control(controls, "blind"); ok {
		said = strings.TrimSpace(said + fmt.Sprintf(" A second model that was trained without pictures has a loss of %s nats a token: %s against the model.",
			fixed(c.Loss, 3), signed(c.Loss-controls[0].Loss, 3)))
	}
	return said
}

// zeroedVerdict takes 0.01 nats a token for a difference that a seed alone makes.
func zeroedVerdict(controls []Control) string {
	c, ok := control(controls, "zeroed")
	if !ok {
		return ""
	}
	difference := c.Loss - controls[0].Loss
	switch {
	case difference > 0.01 && difference < 0.02*controls[0].Loss:
		return fmt.Sprintf("With the features set to zero the loss rises by %s nats a token (%s): the model hardly uses the picture.",
			fixed(difference, 3), percentChange(difference, controls[0].Loss))
	case difference > 0.01:
		return fmt.Sprintf("With the features set to zero the loss rises by %s nats a token (%s): the model uses the picture.",
			fixed(difference, 3), percentChange(difference, controls[0].Loss))
	case difference < -0.01:
		return fmt.Sprintf("With the features set to zero the loss falls by %s nats a token: the features mislead the model.", fixed(-difference, 3))
	}
	return "With the features set to zero the loss stays the same: the model ignores the picture."
}

func cards(pictures []Picture) (cards []card, note string) {
	exact := 0
	for _, p := range pictures {
		c := card{ID: p.ID, Split: p.Split, Generated: p.Generated, References: p.References, path: p.Path}
		c.Alt = "picture " + p.ID
		if len(p.References) > 0 {
			c.Alt = "picture described as: " + p.References[0]
		}
		c.Exact = p.Generated != "" && slices.Contains(p.References, p.Generated)
		if c.Exact {
			exact++
		}
		cards = append(cards, c)
	}
	if len(cards) > 0 {
		note = fmt.Sprintf("%s with the model's own caption, generated without help from the true one, and the references. "+
			"%d of %d captions equal a reference, letter for letter.", english.Plural(len(cards), "picture", ""), exact, len(cards))
	}
	return cards, note
}

// modelTable lists the layers part by part, each with its parameters, as Keras' summary does.
func modelTable(layers []LayerRow) (t table, note string) {
	t = table{Caption: "Layers, output shapes (without the batch) and parameters", Columns: []column{
		{Name: "Layer", Code: true}, {Name: "Kind"}, {Name: "Output", Code: true}, {Name: "Parameters", Number: true}, {Name: "Trainable"},
	}}
	if len(layers) == 0 {
		return t, ""
	}
	trainable, frozen, part := 0, 0, 0
	for i, l := range layers {
		if i == 0 || l.Part != layers[i-1].Part {
			t.group(l.Part)
			part = 0
		}
		part += l.Params
		yes := "no"
		switch {
		case l.Params == 0:
			yes = "–"
		case l.Trainable:
			yes = "yes"
			trainable += l.Params - l.Fixed
			frozen += l.Fixed
		default:
			frozen += l.Params
		}
		t.row(l.Name, l.Kind, l.Output, comma(l.Params), yes)
		if i == len(layers)-1 || layers[i+1].Part != l.Part {
			t.total("all of "+l.Part, "", "", comma(part), "")
		}
	}
	return t, fmt.Sprintf("%s parameters: %s trainable, %s not trainable.", comma(trainable+frozen), comma(trainable), comma(frozen))
}

func dataTables(d Data) (tables []table, note, more string) {
	splits := table{Caption: "Splits (by picture, never by caption)", Columns: []column{
		{Name: "Split"}, {Name: "Pictures", Number: true}, {Name: "Captions", Number: true}, {Name: "Characters a caption", Number: true},
	}}
	for _, s := range d.Splits {
		splits.row(s.Name, comma(s.Images), comma(s.Captions), fixed(s.MeanCharacters, 1))
	}
	cleaning := table{Caption: "Cleaning of the captions", Columns: []column{{Name: "What"}, {Name: "Count", Number: true}}}
	for _, c := range d.Cleaning {
		cleaning.row(c.Name, comma(c.Count))
	}
	tokens, note := tokensTable(d)
	if rest := d.ProblemTotal - len(d.Problems); rest > 0 {
		more = fmt.Sprintf("… and %s more.", comma(rest))
	}
	return []table{splits, tokens, cleaning}, note, more
}

func stageSeconds(i runfolder.Info) (total float64) {
	for _, s := range i.Stages {
		total += s.Seconds
	}
	if total == 0 && !i.Finished.IsZero() && len(i.Resumed) == 0 {
		total = i.Finished.Sub(i.Started).Seconds()
	}
	return total
}

func timesTable(i runfolder.Info) table {
	t := table{Caption: "Stages", Columns: []column{{Name: "Stage"}, {Name: "Time", Number: true}, {Name: "Share", Number: true}}}
	total := stageSeconds(i)
	for _, s := range i.Stages {
		t.row(s.Name, duration(s.Seconds), percentChange(s.Seconds, total))
	}
	if len(i.Stages) > 0 {
		t.total("all", duration(total), "")
	}
	return t
}

func timesNote(d Data) string {
	var parts []string
	switch {
	case d.FeatureSeconds > 0 && d.ImagesPerSecond > 0:
		parts = append(parts, fmt.Sprintf("Features were computed in %s, %s pictures a second.", duration(d.FeatureSeconds), fixed(d.ImagesPerSecond, 1)))
	case d.FeatureSeconds > 0:
		parts = append(parts, fmt.Sprintf("Features were computed in %s.", duration(d.FeatureSeconds)))
	}
	var speeds []float64
	for _, e := range d.Epochs {
		if e.ExamplesPerSecond > 0 {
			speeds = append(speeds, e.ExamplesPerSecond)
		}
	}
	if len(speeds) > 0 { // the first epoch compiles
		slices.Sort(speeds)
		parts = append(parts, fmt.Sprintf("Training took %s examples a second in the median epoch, its validation included.", fixed(stat.Quantile(0.5, stat.Empirical, speeds, nil), 0)))
	}
	return strings.Join(parts, " ")
}

func provenanceTable(i runfolder.Info) table {
	t := table{Caption: "What the run was made with", Columns: []column{{Name: "What"}, {Name: "Value", Code: true}}}
	add := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	add("Started", stamp(i.Started))
	for _, r := range i.Resumed {
		add("Resumed", stamp(r))
	}
	add("Finished", stamp(i.Finished))
	for _, p := range i.Earlier {
		add("Before it was resumed", before(p))
	}
	add("Command", i.Command)
	add("Commit", i.Commit())
	add("Config hash", i.ConfigHash)
	add("Go", i.GoVersion)
	for _, name := range slices.Sorted(maps.Keys(i.Modules)) {
		add(name, i.Modules[name])
	}
	add("Backend", i.Backend)
	add("Device", i.Device)
	add("Plugin", strings.TrimSpace(i.Plugin+" "+i.PluginVersion))
	add("Host", hostText(i.Host))
	for _, name := range slices.Sorted(maps.Keys(i.Seeds)) {
		add("Seed of "+name, strconv.FormatInt(i.Seeds[name], 10))
	}
	for _, name := range slices.Sorted(maps.Keys(i.Hashes)) {
		add("Hash of "+name, i.Hashes[name])
	}
	for _, name := range slices.Sorted(maps.Keys(i.Results)) {
		add("Result: "+strings.ReplaceAll(name, "_", " "), strconv.FormatFloat(i.Results[name], 'g', 6, 64))
	}
	return t
}

// before is a process that another went on from.
func before(p runfolder.Process) string {
	var parts []string
	if c := p.Commit(); c != "" {
		parts = append(parts, "commit "+c)
	}
	parts = append(parts, p.GoVersion)
	if h := hostText(p.Host); h != "" {
		parts = append(parts, h)
	}
	return strings.Join(parts, ", ")
}

func hostText(h runfolder.Host) string {
	if h.Cores <= 0 {
		return ""
	}
	host := fmt.Sprintf("%s, %s", h.OS, english.Plural(h.Cores, "core", ""))
	if h.MemoryBytes > 0 {
		host += ", " + humanize.IBytes(uint64(h.MemoryBytes)) + " of memory"
	}
	if h.CPU != "" {
		host += ", " + h.CPU
	}
	return host
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
