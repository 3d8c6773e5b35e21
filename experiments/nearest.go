package experiments

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/captionlab/captionlab/internal/dataset"
)

// nearestCaptions are, for each validation picture, the first caption of the training picture whose scaled features
// are nearest (Euclidean); those of a grid are averaged over its locations first.
func (e *experiment) nearestCaptions(ctx context.Context) ([]string, error) {
	locations := featureSize(e.encoder.FeatureShape()).Locations
	queries, known := averaged(e.splitRows(dataset.Validation), locations), averaged(e.splitRows(dataset.Train), locations)
	captions := make([]string, len(queries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, query := range queries {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			best, least := 0, float32(0)
			for k, row := range known {
				if d := squaredDistance(query, row); k == 0 || d < least {
					best, least = k, d
				}
			}
			captions[n] = e.data.Examples[e.data.Splits[dataset.Train][best]].Captions[0].Text
			return nil
		})
	}
	return captions, group.Wait()
}

func squaredDistance(a, b []float32) float32 {
	sum := float32(0)
	for n, x := range a {
		d := x - b[n]
		sum += d * d
	}
	return sum
}
