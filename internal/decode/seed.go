package decode

// WithSeed returns the same generator, compiled once, with another seed of its random numbers.
func (g *Generator) WithSeed(seed int64) *Generator {
	other := *g
	other.settings.Seed = seed
	return &other
}
