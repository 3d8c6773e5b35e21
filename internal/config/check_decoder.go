package config

// checkDecoder looks for combinations that are no decoder.
func (l *loader) checkDecoder() {
	for _, p := range l.config.Decoder.Check() {
		keys := make([]string, len(p.Keys))
		for n, key := range p.Keys {
			keys[n] = "decoder." + key
		}
		l.refuse(keys, "%s", p.Err)
	}
}
