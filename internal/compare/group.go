package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// beside are the keys that change nothing of what is compared: names, folders, and how often a checkpoint is written.
var beside = map[string]bool{
	"extends": true, "experiment.name": true, "experiment.description": true, "runtime.cache": true, "runtime.results": true, "runtime.tensorboard": true,
	"data.root": true, "training.checkpoint_minutes": true,
}

// isBeside tells the keys beside, those of [slurm], which say where a run was computed, and those of [evaluation]: what is
// measured besides. Other references make another test, which sameTest sees.
func isBeside(key string) bool {
	return beside[key] || strings.HasPrefix(key, "evaluation.") || strings.HasPrefix(key, "slurm.")
}

// dataHash and codeCommit are keys of their own where groups differ in nothing but the data, or the program.
const (
	dataHash   = "data (hash)"
	codeCommit = "code (commit)"
)

// isSeed tells keys in which the runs of a group may differ.
func isSeed(key string) bool {
	return strings.HasSuffix(key, ".seed") || strings.HasSuffix(key, "_seed")
}

// Seeds are a run's seeds, by key, of those keys in which some of the runs differ.
func (c *Comparison) Seeds(r *Run) map[string]string {
	seeds := map[string]string{}
	for key, value := range r.Settings {
		if isSeed(key) && slices.ContainsFunc(c.Runs(), func(other *Run) bool { return other.Settings[key] != value }) {
			seeds[key] = value
		}
	}
	return seeds
}

// once leaves out runs that repeat another one, with the same settings, seeds, data and code, since each would count as a seed of
// its own. The baseline is kept, or else the latest.
func (c *Comparison) once(runs []*Run, baseline string) (kept []*Run) {
	identity := func(r *Run) string {
		config, _, all := r.config()
		return config + all + r.Info.Hashes["data"] + r.code()
	}
	ids, chosen := make([]string, len(runs)), map[string]*Run{}
	for n, r := range runs {
		ids[n] = identity(r)
		if known := chosen[ids[n]]; known == nil || known.Dir != baseline && (r.Dir == baseline || r.Info.Started.After(known.Info.Started)) {
			chosen[ids[n]] = r
		}
	}
	for n, r := range runs {
		if other := chosen[ids[n]]; other != r {
			c.leaveOut(r, fmt.Sprintf("%s has the same settings, seeds, data and code: it would count as another seed", other.Name))
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// code is the state of the program that made a run; where the run was resumed by another, each of them.
func (r *Run) code() string {
	codes := r.Info.EachProcess(func(p runfolder.Process) string {
		code := p.GitCommit[:min(8, len(p.GitCommit))]
		if p.GitDirty {
			code += ", changed"
		}
		return code
	})
	return strings.Join(codes, ", then ")
}

// group puts runs together whose configs differ in seeds alone, in the order in which they were given. The same config
// and seeds on other data is another group, and so it is by another state of the program.
func (c *Comparison) group(runs []*Run) {
	groups := map[string]*Group{}
	hashes := map[string]string{} // the data of a config and its seeds
	byCode := map[string]bool{}   // configs of which several states of the program ran a seed
	ran := map[string]bool{}
	for _, r := range runs {
		config, _, all := r.config()
		id := config + all + r.Info.Hashes["data"]
		byCode[config] = byCode[config] || ran[id]
		ran[id] = true
	}
	for _, r := range runs {
		config, seeds, _ := r.config()
		hash, code := r.Info.Hashes["data"], ""
		if byCode[config] {
			code = r.code()
		}
		if known, ok := hashes[config+seeds]; !ok {
			hashes[config+seeds] = hash
		} else if known != hash {
			config += hash
		}
		config += code
		g := groups[config]
		if g == nil {
			g = &Group{Tag: tag(len(c.Groups)), Settings: map[string]string{}}
			groups[config] = g
			c.Groups = append(c.Groups, g)
		}
		g.Runs = append(g.Runs, r)
	}
	c.differingKeys()
	c.label()
}

// config is what groups go by, the seeds of the data, and all seeds.
func (r *Run) config() (config, data, seeds string) {
	for _, key := range slices.Sorted(maps.Keys(r.Settings)) {
		line := key + " = " + r.Settings[key] + "\n"
		switch {
		case isBeside(key):
		case !isSeed(key):
			config += line
		case strings.HasPrefix(key, "data."):
			data += line
			fallthrough
		default:
			seeds += line
		}
	}
	return config, data, seeds
}

// differingKeys are the keys whose values differ between groups.
func (c *Comparison) differingKeys() {
	keys := map[string]bool{}
	for _, r := range c.Runs() {
		for key := range r.Settings {
			keys[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if isBeside(key) || isSeed(key) {
			continue
		}
		first := c.Groups[0].Runs[0].Settings[key]
		if slices.ContainsFunc(c.Groups, func(g *Group) bool { return g.Runs[0].Settings[key] != first }) {
			c.Keys = append(c.Keys, key)
		}
	}
	alike := map[string]*Run{}
	for _, g := range c.Groups {
		r := g.Runs[0]
		config, _, _ := r.config()
		key := codeCommit
		if other := alike[config]; other == nil {
			alike[config] = r
			continue
		} else if other.Info.Hashes["data"] != r.Info.Hashes["data"] {
			key = dataHash
		}
		if !slices.Contains(c.Keys, key) {
			c.Keys = append(c.Keys, key)
		}
	}
	for _, g := range c.Groups {
		for _, key := range c.Keys {
			g.Settings[key] = g.Runs[0].Settings[key]
			switch hash := g.Runs[0].Info.Hashes["data"]; key {
			case dataHash:
				g.Settings[key] = hash[:min(8, len(hash))]
			case codeCommit:
				g.Settings[key] = g.Runs[0].code()
			}
		}
	}
}

// fewKeys is how many differing keys can stand for a group's name.
const fewKeys = 3

// label names the groups: by their values of the keys that differ, where these are few, else by their runs' names, and where these
// are the same by some of the keys, too.
func (c *Comparison) label() {
	used := map[string]int{}
	for n, g := range c.Groups {
		g.Label = groupName(g.Runs)
		if len(c.Keys) > 0 && len(c.Keys) <= fewKeys {
			g.Label = c.parts(g, c.Keys)
		} else if same := func(other *Group) bool { return groupName(other.Runs) == g.Label }; n > 0 && slices.ContainsFunc(c.Groups[:n], same) {
			first := c.Groups[0].Settings
			g.Label += " with " + c.parts(g, slices.DeleteFunc(slices.Clone(c.Keys), func(key string) bool { return g.Settings[key] == first[key] }))
		}
		used[g.Label]++
	}
	for _, g := range c.Groups {
		if used[g.Label] > 1 {
			g.Label += " (" + g.Tag + ")"
		}
	}
}

// parts are some keys with a group's values, the first few of them.
func (c *Comparison) parts(g *Group, keys []string) string {
	var parts []string
	for n, key := range keys {
		if n == fewKeys {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, c.part(g, key, c.Keys))
	}
	return strings.Join(parts, ", ")
}

// groupName is the first run's name; without its seed where the runs are a study's cells, as tokens-char-s1 and tokens-char-s2.
func groupName(runs []*Run) string {
	first := runs[0].Info.Name
	stem := first[:strings.LastIndex(first, "-s")+1]
	for _, r := range runs {
		seed, cell := strings.CutPrefix(r.Info.Name, stem+"s")
		if _, err := strconv.Atoi(seed); !cell || stem == "" || err != nil {
			return first
		}
	}
	return strings.TrimSuffix(stem, "-")
}

// part is a key with a group's value in a label.
func (c *Comparison) part(g *Group, key string, among []string) string {
	value := Bare(g.Settings[key])
	if key == "data.limit" && value == "0" {
		value = "all"
	}
	return ShortKey(key, among) + " " + value
}

// ShortKey is a key without its section, where that leaves no doubt.
func ShortKey(key string, among []string) string {
	last := key[strings.LastIndexByte(key, '.')+1:]
	for _, other := range among {
		if other != key && strings.HasSuffix(other, "."+last) {
			return key
		}
	}
	return last
}

// Bare is a TOML string without its quotes, and any other value as it is.
func Bare(value string) string {
	if text, err := strconv.Unquote(value); err == nil && text != "" {
		return text
	}
	return value
}

// tag counts A, B, …, Z, AA, AB.
func tag(n int) string {
	if n < 26 {
		return string(rune('A' + n))
	}
	return tag(n/26-1) + tag(n%26)
}

// Name is the tag and the label.
func (g *Group) Name() string { return fmt.Sprintf("%s: %s", g.Tag, g.Label) }
