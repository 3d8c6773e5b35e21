package bench

// benchmark is what a row of the table measures, and what it is to reach.
type benchmark struct {
	name  string
	title string // says what the time is for
	goals []goal
}

// goal asks that the fastest of some peers takes at least so many times as long as we do.
type goal struct {
	peers []string // nil: of all
	least float64
	aim   bool // shown, but not asked for
}

var keras = []string{"keras-tensorflow", "keras-jax"}

// benchmarks are the rows in their order; those that a comparison left out don't show. The goals are the project's
// own.
var benchmarks = []benchmark{
	{"vgg16", "VGG16 to averaged block5_pool, batches of 8, a picture", []goal{
		{append([]string{"pytorch"}, keras...), 1.1, false}, {[]string{"onnxruntime"}, 1, true}}},
	{"images", "JPEG files to features on disk, VGG16, a picture", []goal{{nil, 1.2, false}}},
	{"step-baseline", "Training step: batch 50, 80 characters, 256 units, vocabulary 100, features 4,096", []goal{
		{[]string{"pytorch"}, 1, false}, {keras, 1.2, false}}},
	{"step-words", "Training step: batch 128, 20 words, 512 units, vocabulary 8,000", []goal{{nil, 1, false}}},
	{"step-attention", "Training step: soft attention over 14×14×512, batch 32, 20 words, 512 units, vocabulary 2,600", nil},
	{"epoch-words", "Epoch of Flickr8k, words, 512 units, the picture as initial state", []goal{{[]string{"pytorch"}, 1.2, false}}},
	{"epoch-attention", "Epoch of Flickr8k, words, soft attention over 14×14×512", []goal{{[]string{"pytorch"}, 1.2, false}}},
	{"compile-20", "Building and compiling a training step of 20 time steps", nil},
	{"compile-80", "Building and compiling a training step of 80 time steps", nil},
	{"compile-400", "Building and compiling a training step of 400 time steps", nil},
	{"compile-2000", "Building and compiling a training step of 2,000 time steps", nil},
	{"pairs", "Epoch of the paper's method: a peer on pairs, ours on whole captions", []goal{{keras, 40, false}}},
	{"greedy", "Greedy captions by the trained baseline, a caption", nil},
	{"beam", "Beam of 5 by the trained baseline, a caption", []goal{{nil, 3, false}}},
	{"score", "Scoring 5,000 captions against 25,000 references", []goal{{nil, 20, false}}},
	{"tokens", "Cleaning and tokenizing 35,000 captions", nil},
	{"start-cold", "Command to first training step, 200 pictures without cached features", nil},
	{"start-warm", "Command to first training step, 200 pictures with cached features", nil},
	{"records", "A run of one epoch over 35,000 posts, from files to report; 200 different pictures", nil},
}

// slowdown is the most that our own figure of one benchmark may be of another's.
type slowdown struct {
	name, of string
	most     float64
}

var slowdowns = []slowdown{{"compile-400", "compile-20", 1.3}}

// ceiling is the most memory that our own side of a benchmark may take.
type ceiling struct {
	name string
	most int64 // bytes
}

var ceilings = []ceiling{{"records", 2 << 30}}

// peers are who measures beside us, in the order of the columns.
var peers = []struct{ name, title string }{
	{"keras-tensorflow", "Keras on TensorFlow"}, {"keras-jax", "Keras on JAX"}, {"jax", "JAX"}, {"pytorch", "PyTorch"},
	{"onnxruntime", "ONNX Runtime"}, {"pycocoevalcap", "pycocoevalcap"}, {"python", "Python"},
}

// title is a peer's name for people.
func title(who string) string {
	for _, p := range peers {
		if p.name == who {
			return p.title
		}
	}
	return who
}
