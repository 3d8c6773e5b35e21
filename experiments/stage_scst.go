package experiments

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	gotrain "github.com/gomlx/gomlx/ml/train"

	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/score"
	"github.com/captionlab/captionlab/internal/token"
	"github.com/captionlab/captionlab/internal/train"
)

// rewarded are the batches of self-critical training: sampled captions of training pictures, and how far the CIDEr-D of each
// is above its baseline: the mean of the picture's other samples (Luo 2020, A Better Variant of Self-Critical Sequence
// Training), or where one is sampled, that of the picture's greedy caption (Rennie et al. 2017). Document frequencies are those
// of the training captions.
type rewarded struct {
	ctx            context.Context
	size, samples  int // captions a batch, and of a picture
	length         int // tokens of the longest caption
	seed           int64
	rows           [][]float32 // of each training picture, as training has it
	read           reader
	reward         *score.CIDErD
	sample, greedy *decode.Generator // greedy: where one caption is sampled
	decode         func([]int32) string

	captions                 int // rewarded since the epoch began, or was resumed
	sampledReward, baselines float64
}

// note tells the mean rewards of the epoch so far.
func (r *rewarded) note() string {
	if r == nil || r.captions == 0 {
		return ""
	}
	n := float64(r.captions)
	note := fmt.Sprintf("; training pictures' cider_d %.2f %% sampled", 100*r.sampledReward/n)
	if r.greedy != nil {
		note += fmt.Sprintf(", %.2f %% greedy", 100*r.baselines/n)
	}
	return note
}

// selfCritical prepares them where the config asks for such training. blind takes the picture away.
func (e *experiment) selfCritical(ctx context.Context, t *train.Trainer, read reader, blind bool) (*rewarded, error) {
	s := e.config.Training
	if s.SCSTEpochs == 0 {
		return nil, nil
	}
	r := &rewarded{ctx: ctx, size: s.Batch, samples: s.SCSTSamples, length: e.maxTokens, seed: s.Seed, rows: e.seenRows(dataset.Train, blind), decode: e.tokenizer.Decode}
	var references [][]string
	for _, at := range e.data.Splits[dataset.Train] {
		references = append(references, e.scoredReferences(at))
	}
	var err error
	if r.reward, err = score.NewCIDErD(references); err != nil {
		return nil, err
	}
	r.read = read
	if r.samples == 1 {
		if r.greedy, err = decode.New(e.accel.Backend, t.Store(), e.decoder, decode.Settings{Method: "greedy", Batch: s.Batch}, e.maxTokens); err != nil {
			return nil, err
		}
	}
	r.sample, err = decode.New(e.accel.Backend, t.Store(), e.decoder, decode.Settings{Method: "sample", Batch: s.Batch, Temperature: 1, TopP: 1}, e.maxTokens)
	return r, err
}

// pictures are those of a batch.
func (r *rewarded) pictures() int { return r.size / r.samples }

// PerEpoch implements train.Batches.
func (r *rewarded) PerEpoch() int { return (len(r.rows) + r.pictures() - 1) / r.pictures() }

// Epoch implements train.Batches: every picture once, in an order fixed by the seed and the epoch.
func (r *rewarded) Epoch(epoch, from int) gotrain.Dataset {
	r.captions, r.sampledReward, r.baselines = 0, 0, 0
	return &rewardedEpoch{r, epoch, from}
}

type rewardedEpoch struct {
	*rewarded
	epoch, from int
}

// Name implements train.Dataset.
func (p *rewardedEpoch) Name() string { return "sampled captions" }

// Iter implements train.Dataset.
func (p *rewardedEpoch) Iter() iter.Seq2[gotrain.Batch, error] {
	return func(yield func(gotrain.Batch, error) bool) {
		order := rand.New(rand.NewPCG(uint64(p.seed), uint64(p.epoch))).Perm(len(p.rows))
		for n := p.from; n < p.PerEpoch(); n++ {
			// Each batch has random numbers of its own, whatever was drawn before it.
			seed := rand.New(rand.NewPCG(uint64(p.seed)+1, uint64(p.epoch)<<32+uint64(n))).Int64()
			b, err := p.batch(order[n*p.pictures():min((n+1)*p.pictures(), len(order))], seed)
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// batch samples captions of pictures and rewards them.
func (r *rewarded) batch(pictures []int, seed int64) (gotrain.Batch, error) {
	kept := make([][]float32, len(pictures))
	for n, picture := range pictures {
		kept[n] = r.rows[picture]
	}
	features, free, err := r.read(r.ctx, kept) // once a picture, however many captions it has
	if err != nil {
		return gotrain.Batch{}, fmt.Errorf("features: %w", err)
	}
	defer free()
	var of []int // the picture of each caption
	var rows [][]float32
	for n, picture := range pictures {
		for range r.samples {
			of, rows = append(of, picture), append(rows, features[n])
		}
	}
	sampled, err := r.sample.WithSeed(seed).Generate(r.ctx, rows, nil)
	if err != nil {
		return gotrain.Batch{}, fmt.Errorf("sample captions: %w", err)
	}
	scores := r.scores(of, sampled)
	baselines := meanOfOthers(scores, r.samples)
	if r.greedy != nil {
		greedy, err := r.greedy.Generate(r.ctx, rows, nil)
		if err != nil {
			return gotrain.Batch{}, fmt.Errorf("greedy captions: %w", err)
		}
		baselines = r.scores(of, greedy)
	}
	advantage := make([]float32, r.size)
	items := make([]batch.Item, len(sampled))
	for n, c := range sampled {
		advantage[n] = float32(scores[n] - baselines[n])
		r.captions++
		r.sampledReward += scores[n]
		r.baselines += baselines[n]
		items[n] = batch.Item{Picture: n / r.samples, Tokens: c.Tokens}
	}
	set, err := batch.New(items, batch.Features{Size: len(kept[0]), Values: slices.Concat(kept...)}, batch.Options{Name: "sampled captions", Size: r.size, Time: r.length})
	if err != nil {
		return gotrain.Batch{}, err
	}
	for b, err := range set.Epoch(0, 0).Iter() { // one batch
		if err != nil {
			return b, err
		}
		forget(b.Labels, items, r.length)
		b.Labels = append(b.Labels, tensors.FromFlatDataAndDimensions(advantage, r.size))
		return b, nil
	}
	return gotrain.Batch{}, fmt.Errorf("no batch of %d captions", len(items))
}

// scores are the rewards of captions of training pictures.
func (r *rewarded) scores(pictures []int, captions []decode.Caption) []float64 {
	texts := make([]string, len(captions))
	for n, c := range captions {
		texts[n] = r.decode(c.Tokens)
	}
	return r.reward.Scores(pictures, texts)
}

// meanOfOthers are for each score the mean of the others in its group of size; of a group of one it is 0.
func meanOfOthers(scores []float64, size int) []float64 {
	means := make([]float64, len(scores))
	for at := 0; at < len(scores); at += size {
		sum := 0.0
		for _, s := range scores[at : at+size] {
			sum += s
		}
		for n := at; n < at+size; n++ {
			means[n] = (sum - scores[n]) / float64(max(size-1, 1))
		}
	}
	return means
}

// forget lets the end of captions that are as long as they may be count for nothing: there the model had no choice.
func forget(labels []*tensors.Tensor, items []batch.Item, length int) {
	targets, weights := tensors.MustCopyFlatData[int32](labels[0]), tensors.MustCopyFlatData[float32](labels[1])
	for n, item := range items {
		if at := n*(length+1) + length; len(item.Tokens) == length && targets[at] == token.End {
			weights[at] = 0
		}
	}
	labels[1].MustFinalizeAll()
	labels[1] = tensors.FromFlatDataAndDimensions(weights, len(weights)/(length+1), length+1)
}
