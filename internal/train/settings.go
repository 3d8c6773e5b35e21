package train

import (
	"strings"

	"github.com/captionlab/captionlab/internal/setting"
)

// Settings is the [training] section.
type Settings struct {
	Epochs            int     `toml:"epochs" default:"20" min:"1" max:"100000" doc:"passes over the training split"`
	Batch             int     `toml:"batch" default:"50" min:"1" max:"65536" doc:"captions a step (pairs a step when training.examples is pairs)"`
	Accumulate        int     `toml:"accumulate" default:"1" min:"1" max:"65536" doc:"batches whose gradients make one update, weighted by their tokens: without dropout the same as one batch that many times as large, in the memory of one"`
	Examples          string  `toml:"examples" default:"sequences" oneof:"sequences pairs" doc:"sequences: teacher forcing over whole captions; pairs: the paper's literal form, image + first n characters -> character n+1"`
	Optimizer         string  `toml:"optimizer" default:"adam" oneof:"adam adamw rmsprop sgd" doc:"optimiser, by PyTorch's formulas"`
	LearningRate      float64 `toml:"learning_rate" default:"0.001" min:"0" max:"100" doc:"learning rate, before the schedule"`
	Beta1             float64 `toml:"beta1" default:"0.9" min:"0" max:"1" doc:"adam, adamw: decay of the gradients' moving average"`
	Beta2             float64 `toml:"beta2" default:"0.999" min:"0" max:"1" doc:"adam, adamw: decay of the squared gradients' moving average"`
	Epsilon           float64 `toml:"epsilon" default:"1e-7" min:"0" max:"1" doc:"adam, adamw, rmsprop: added to the root of the squared gradients' average (Keras has 1e-7, PyTorch 1e-8)"`
	Momentum          float64 `toml:"momentum" default:"0" min:"0" max:"1" doc:"sgd, rmsprop: share of the last step that is taken again"`
	RMSPropDecay      float64 `toml:"rmsprop_decay" default:"0.999" min:"0" max:"1" doc:"rmsprop: decay of the squared gradients' moving average (neuraltalk 0.999, PyTorch 0.99, Keras 0.9)"`
	WeightDecay       float64 `toml:"weight_decay" default:"0.004" min:"0" max:"1" doc:"adamw alone: decoupled weight decay; each update also takes learning rate times this off every weight"`
	L2                float64 `toml:"l2_regularization" default:"0" min:"0" max:"1" doc:"L2 regularisation with any optimiser: this times each weight is added to its gradient, after clipping (the loss that is shown leaves it out)"`
	ClipNorm          float64 `toml:"clip_norm" default:"5.0" min:"0" doc:"gradients are scaled so that their global L2 norm is at most this (0: no clipping)"`
	ClipValue         float64 `toml:"clip_value" default:"0" min:"0" doc:"each value of the gradients is cut to this size, before clip_norm, as neuraltalk has it (0: no clipping)"`
	Schedule          string  `toml:"schedule" default:"constant" oneof:"constant step plateau cosine" doc:"learning rate over time: step multiplies it by schedule_factor every schedule_epochs epochs; plateau does so after schedule_epochs epochs without a lower validation loss; cosine falls from the rate to min_learning_rate over all updates"`
	ScheduleEpochs    int     `toml:"schedule_epochs" default:"8" min:"1" max:"100000" doc:"epochs between two decays (step), or of patience before one (plateau)"`
	ScheduleFactor    float64 `toml:"schedule_factor" default:"0.5" min:"0" max:"1" doc:"what a decay multiplies the learning rate by (step, plateau)"`
	MinLearningRate   float64 `toml:"min_learning_rate" default:"0" min:"0" max:"100" doc:"no schedule falls below this"`
	WarmupSteps       int     `toml:"warmup_steps" default:"0" min:"0" doc:"updates over which the learning rate rises linearly to its value, in front of any schedule (0: none)"`
	LabelSmoothing    float64 `toml:"label_smoothing" default:"0" min:"0" max:"0.99" doc:"share of each target's probability that is spread over all tokens in the training loss (Szegedy et al. 2016); losses of the validation split are unsmoothed"`
	Sampling          string  `toml:"scheduled_sampling" default:"none" oneof:"none linear exponential inverse_sigmoid" doc:"how the probability falls that an input is the true token and not one that the model says in its place (Bengio et al. 2015; in two passes, Duckworth et al. 2019), after i updates: linear 1 - c·i, exponential c^i, inverse_sigmoid c/(c+exp(i/c)), c = sampling_constant"`
	SamplingConstant  float64 `toml:"sampling_constant" default:"0" min:"0" doc:"c of scheduled_sampling: linear a slope such as 0.0001, exponential below 1 such as 0.9999, inverse_sigmoid at least 1 such as 1000"`
	SamplingFloor     float64 `toml:"sampling_floor" default:"0" min:"0" max:"1" doc:"the probability of the true token falls no lower (scheduled_sampling)"`
	Averaging         string  `toml:"averaging" default:"none" oneof:"none ema" doc:"ema: validation, captions and the kept model use an exponential moving average of the weights over the updates; training goes on from the weights themselves"`
	EMADecay          float64 `toml:"ema_decay" default:"0.999" min:"0" max:"1" doc:"decay of that average, an update"`
	AverageLast       int     `toml:"average_last" default:"0" min:"0" max:"1000" hash:"set" doc:"after training, the mean of the last so many epochs' weights (checkpoint averaging) is validated as an epoch is, and is the model that is kept if it is better than the best epoch by training.select; their checkpoints are kept (0: no such mean)"`
	Select            string  `toml:"select" default:"loss" oneof:"loss cider_d bleu_4" doc:"what makes an epoch the best one, for patience and for the model that is kept: the validation loss, or a metric of greedy captions of the validation split, made every epoch and scored against evaluation.references"`
	SCSTEpochs        int     `toml:"scst_epochs" default:"0" min:"0" max:"100000" doc:"epochs of self-critical training (Rennie et al. 2017) on CIDEr-D, against evaluation.references, after those of cross-entropy, from the best one's weights; patience ends cross-entropy alone; needs training.select = \"cider_d\" or \"bleu_4\""`
	SCSTSamples       int     `toml:"scst_samples" default:"5" min:"1" max:"1000" doc:"captions that self-critical training samples of a picture: each one's reward is compared with the mean of the others' (Luo 2020); 1: with that of the greedy caption (Rennie et al. 2017)"`
	SCSTLearningRate  float64 `toml:"scst_learning_rate" default:"5e-5" min:"0" max:"100" doc:"learning rate of self-critical training, constant"`
	Padding           string  `toml:"padding" default:"masked" oneof:"masked counted" doc:"whether padding is left out of loss and accuracy (correct) or counted (common in student code, inflates accuracy)"`
	Precision         string  `toml:"precision" default:"float32" oneof:"float32 bfloat16" hash:"set" doc:"bfloat16: training steps multiply their large matrices in it and add up in float32 (mixed precision), which a GPU with such units does faster, and a CPU does not; weights, optimiser, recurrence, validation and captions stay float32"`
	Seed              int64   `toml:"seed" default:"1" min:"1" doc:"seed of initial weights, dropout and shuffling"`
	Patience          int     `toml:"patience" default:"0" min:"0" doc:"stop after this many epochs without a better one by training.select (0: never)"`
	Bucket            bool    `toml:"bucket_by_length" default:"false" doc:"batches of captions of similar length, padded to their own longest (to the longest of all with training.padding = counted): less work, but other batches than without"`
	CheckpointMinutes float64 `toml:"checkpoint_minutes" default:"5" min:"0" doc:"besides every epoch's end, write a checkpoint after this many minutes within an epoch (0: never)"`

	EncoderLearningRate float64 `toml:"encoder_learning_rate" default:"0" min:"0" max:"100" hash:"set" doc:"learning rate of the encoder's trained layers (encoder.train_from, or all of encoder.name = \"cnn\"), before the schedule, which they share; in self-critical training it has the same ratio to the rest's (0: that of the rest)"`
	EncoderFromEpoch    int     `toml:"encoder_from_epoch" default:"1" min:"1" max:"100000" hash:"set" doc:"the encoder's trained layers stay as they are before this epoch"`
}

// UsesBFloat16 tells whether training steps multiply in bfloat16.
func (s Settings) UsesBFloat16() bool { return s.Precision == "bfloat16" }

// Check refuses settings that don't go together.
func (s Settings) Check() (problems setting.Problems) {
	c := s.SamplingConstant
	refuse := func(when bool, keys []string, format string, args ...any) {
		if when {
			problems.Refuse(keys, format, args...)
		}
	}
	refuse(s.LearningRate == 0,
		[]string{"training.learning_rate"}, "expected a number above 0")
	refuse((s.Schedule == "step" || s.Schedule == "plateau") && s.ScheduleFactor == 0,
		[]string{"training.schedule_factor", "training.schedule"}, "expected a number above 0")
	refuse(s.LearningRate > 0 && s.Schedule != "constant" && s.MinLearningRate > s.LearningRate,
		[]string{"training.min_learning_rate", "training.learning_rate"}, "expected at most training.learning_rate, %g", s.LearningRate)
	refuse(s.Examples == "pairs" && s.CountsPadding(),
		[]string{"training.padding", "training.examples"}, "a pair has no padding to count, and the validation's would choose the epoch: expected training.padding = \"masked\"")
	refuse(strings.HasPrefix(s.Optimizer, "adam") && (s.Beta1 == 1 || s.Beta2 == 1),
		[]string{"training.beta1", "training.beta2"}, "a moving average that decays by 1 never takes anything in: expected numbers below 1")
	refuse(s.Optimizer == "rmsprop" && s.RMSPropDecay == 1,
		[]string{"training.rmsprop_decay"}, "a moving average that decays by 1 never takes anything in: expected a number below 1")
	refuse((s.Optimizer == "sgd" || s.Optimizer == "rmsprop") && s.Momentum == 1,
		[]string{"training.momentum"}, "steps would never grow smaller: expected a number below 1")
	refuse((strings.HasPrefix(s.Optimizer, "adam") || s.Optimizer == "rmsprop") && s.Epsilon == 0,
		[]string{"training.epsilon"}, "a weight without a gradient would be divided by zero: expected a number above 0")
	refuse(s.averages() && s.EMADecay == 1,
		[]string{"training.ema_decay", "training.averaging"}, "the average would stay at the first update's weights: expected a number below 1")
	refuse((s.Schedule == "step" || s.Schedule == "plateau") && s.ScheduleFactor == 1,
		[]string{"training.schedule_factor", "training.schedule"}, "the learning rate would never fall: expected a number below 1")
	refuse(s.samples() && s.SamplingFloor == 1,
		[]string{"training.sampling_floor", "training.scheduled_sampling"}, "every token would be the true one: expected a number below 1")
	refuse(s.Sampling == "linear" && (c <= 0 || c > 1),
		[]string{"training.sampling_constant", "training.scheduled_sampling"}, "linear scheduled sampling: expected a slope an update, above 0 and at most 1")
	refuse(s.Sampling == "exponential" && (c <= 0 || c >= 1),
		[]string{"training.sampling_constant", "training.scheduled_sampling"}, "exponential scheduled sampling: expected a number above 0 and below 1")
	refuse(s.Sampling == "inverse_sigmoid" && c < 1,
		[]string{"training.sampling_constant", "training.scheduled_sampling"}, "inverse_sigmoid scheduled sampling: expected a number of at least 1")
	refuse(s.Sampling != "" && s.Sampling != "none" && s.Examples == "pairs",
		[]string{"training.scheduled_sampling", "training.examples"}, "expected training.examples = \"sequences\": a pair has one prediction, and nothing that could follow it")
	refuse(s.AverageLast > 0 && s.averages(),
		[]string{"training.average_last", "training.averaging"}, "training.averaging = %q averages the weights already: expected one of the two", s.Averaging)
	refuse(s.SCSTEpochs > 0 && s.AverageLast > s.SCSTEpochs,
		[]string{"training.average_last", "training.scst_epochs"}, "the mean is of self-critical epochs alone, which come last: expected at most training.scst_epochs, %d", s.SCSTEpochs)
	refuse(s.AverageLast > s.Epochs && s.SCSTEpochs == 0,
		[]string{"training.average_last", "training.epochs"}, "expected at most training.epochs, %d", s.Epochs)
	refuse(s.SCSTEpochs > 0 && s.SCSTLearningRate == 0,
		[]string{"training.scst_learning_rate"}, "expected a number above 0")
	refuse(s.SCSTEpochs > 0 && s.SCSTSamples > s.Batch,
		[]string{"training.scst_samples", "training.batch"}, "the captions of one picture are in one batch: expected at most training.batch, %d", s.Batch)
	refuse(s.SCSTEpochs > 0 && !s.byMetric(),
		[]string{"training.scst_epochs", "training.select"}, "self-critical training raises the validation loss: expected training.select = \"cider_d\" or \"bleu_4\", which can find its best epoch")
	return problems
}

// CheckBidirectional refuses what isn't defined for a decoder that reads captions from both ends (model.Bidirectional).
func (s Settings) CheckBidirectional() (problems setting.Problems) {
	for _, k := range []struct {
		key, expected, reason string
		given                 bool
	}{
		{"examples", `"sequences"`, "a pair is the beginning of a caption, and the backward direction begins at its end", s.Examples == "pairs"},
		{"scheduled_sampling", `"none"`, "what the model says in a token's place follows the tokens before it", s.samples()},
		{"scst_epochs", "0", "the captions that are rewarded are generated by one direction", s.SCSTEpochs > 0},
	} {
		if k.given {
			problems.Refuse([]string{"training." + k.key, "decoder.bidirectional"}, "decoder.bidirectional = true: %s; expected training.%s = %s", k.reason, k.key, k.expected)
		}
	}
	return problems
}

// CountsPadding tells that losses and accuracies are taken over padding, too.
func (s Settings) CountsPadding() bool { return s.Padding == "counted" }

// TotalEpochs are those of cross-entropy and the self-critical ones after them.
func (s Settings) TotalEpochs() int { return s.Epochs + s.SCSTEpochs }

// Extends reports whether training by s goes on where training by shorter ended, as if it had never stopped there: it is the same
// training, or it has more epochs, and all that decides an epoch is the same. An epoch depends on how many follow where the learning
// rate falls over all of them (cosine); and self-critical training ends a run. All else, patience and the plateau too, looks back alone.
func (s Settings) Extends(shorter Settings) bool {
	more := s.Epochs - shorter.Epochs
	if more < 0 || more > 0 && (s.Schedule == "cosine" || s.SCSTEpochs > 0) {
		return false
	}
	shorter.Epochs, shorter.CheckpointMinutes = s.Epochs, s.CheckpointMinutes
	return s == shorter
}
