package encoder

// Grid is the size of the grid that a picture's features are, where their layer has height and width and is not pooled:
// [height, width, channels]. Otherwise the features are one vector, and both are 0.
func (e *Encoder) Grid() (height, width int) {
	if shape := e.FeatureShape(); len(shape) == 3 {
		return shape[0], shape[1]
	}
	return 0, 0
}
