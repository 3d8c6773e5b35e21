"""Makes bpe.json, words.json and utf8.json: what other programs make of the texts that the Go tests tokenize.

    python3 -m venv v && v/bin/pip install tokenizers==0.23.3 regex==2026.11.19
    v/bin/python reference.py [path/to/flickr8k]

bpe.json    Hugging Face tokenizers' byte-level BPE (GPT-2's pre-tokenization, no prefix space), trained on corpus.txt and, where
            the folder with Flickr8k.token.txt is named, on all its captions. Of Flickr8k only hashes, the first merges (pieces of
            common words) and the ids of a few captions, by their number, are kept.
words.json  The words of the same texts by RULE below, which is package token's rule as a regular expression: hashes and counts.
utf8.json   Python's bytes.decode("utf-8", "replace") of ill-formed bytes.

corpus.txt is the project's own: 400 captions of emojigram's grammar, then lines that are hard for tokenizers.
Hashes are SHA-256 over lines that end in a line feed: of merges "left right"; of a caption its ids or its words with spaces between them.
"""
import hashlib
import json
import pathlib
import sys

import regex
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
SPECIALS = ["<pad>", "<start>", "<end>", "<unk>"]


def corpora():
    yield "corpus", (HERE / "corpus.txt").read_text("utf8").split("\n")[:-1], [(320, 1), (1000, 2), (100000, 1)]
    if len(sys.argv) > 1:
        rows = (pathlib.Path(sys.argv[1]) / "Flickr8k.token.txt").read_text("utf8").split("\n")
        captions = [row.split("\t", 1)[1] for row in rows if row]
        yield "flickr8k", captions, [(1000, 2), (4260, 2), (8260, 1)]


def digest(lines):
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()


def bpe(captions, size, min_frequency):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(captions, trainers.BpeTrainer(
        vocab_size=size, min_frequency=min_frequency, special_tokens=SPECIALS, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer_json = json.loads(tokenizer.to_str())
    merges = [m if isinstance(m, str) else " ".join(m) for m in tokenizer_json["model"]["merges"]]
    ids = [e.ids for e in tokenizer.encode_batch(captions, add_special_tokens=False)]
    lossless = sum(tokenizer.decode(i, skip_special_tokens=False) == c for i, c in zip(ids, captions))
    assert lossless == len(captions), f"{lossless} of {len(captions)} come back"
    numbers = range(0, len(captions), len(captions) // 4)
    return {
        "max_vocabulary": size, "min_count": min_frequency, "vocabulary": tokenizer.get_vocab_size(), "merges": len(merges),
        "merges_sha256": digest(merges), "first_merges": merges[:100], "ids_sha256": digest(" ".join(map(str, i)) for i in ids),
        "tokens": sum(map(len, ids)), "samples": {str(n): ids[n] for n in numbers},
    }


EMOJI = r"(?=[\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]|[\p{L}\p{N}\p{P}\p{S}](?:\ufe0f|\u20e3))\X"
WORD = (r"(?<![\p{L}\p{M}\p{N}'])'[\p{L}\p{N}]{1,2}(?!'*[\p{L}\p{M}\p{N}])"  # an ending that stands apart
        r"|[\p{L}\p{N}][\p{L}\p{Mn}\p{Mc}\p{N}]*(?:'+[\p{L}\p{Mn}\p{Mc}\p{N}]+)*")
SIGN = r"[\p{P}\p{S}]"
RULE = regex.compile(f"(?P<emoji>{EMOJI})|(?P<word>{WORD})|(?P<sign>{SIGN})")


def words(caption, kinds):
    return [m[0].lower() if m.lastgroup == "word" else m[0] for m in RULE.finditer(caption.replace("’", "'")) if m.lastgroup in kinds]


ILL_FORMED = ["ff", "80", "c2", "c0af", "e2", "e282", "e282ac", "e28280e2", "eda080", "f09f", "f09f98", "f09f9880f09f98", "f0808080", "f4908080",
              "f09fc3a9", "41f09f42", "c3c3a9", "e0a0", "e09f80", "f8888080", "f09f9880", "61f180e28061c2"]


def main():
    pairs, cut = {}, {}
    for name, captions, sizes in corpora():
        pairs[name] = [bpe(captions, *s) for s in sizes]
        cut[name] = {"captions": len(captions)}
        for kinds in ["word", "word sign", "word emoji", "word sign emoji"]:
            all_words = [words(c, kinds.split()) for c in captions]
            cut[name][kinds] = {"sha256": digest(" ".join(w) for w in all_words), "tokens": sum(map(len, all_words)),
                                "different": len({w for c in all_words for w in c})}
    broken = {h: bytes.fromhex(h).decode("utf-8", "replace") for h in ILL_FORMED}
    for file, value in [("bpe.json", pairs), ("words.json", cut), ("utf8.json", broken)]:
        (HERE / file).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf8")


main()
