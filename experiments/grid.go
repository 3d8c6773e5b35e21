package experiments

import "github.com/captionlab/captionlab/internal/model"

// featureSize is what the shape of a picture's features tells a decoder: [height, width, channels] is a grid.
func featureSize(shape []int) model.Size {
	size := model.Size{Features: 1}
	for _, n := range shape {
		size.Features *= n
	}
	if len(shape) == 3 {
		size.Locations = shape[0] * shape[1]
	}
	return size
}

// averaged are the means over each row's locations; rows that are no grids stay.
func averaged(rows [][]float32, locations int) [][]float32 {
	if locations < 2 {
		return rows
	}
	means := make([][]float32, len(rows))
	for n, row := range rows {
		channels := len(row) / locations
		means[n] = make([]float32, channels)
		for i, v := range row {
			means[n][i%channels] += v / float32(locations)
		}
	}
	return means
}
