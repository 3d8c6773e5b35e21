"""Makes the reference tokens beside this file with pycocoevalcap, which needs Java:

    python3 -m venv venv && venv/bin/pip install pycocoevalcap==1.2
    venv/bin/python internal/ptb/testdata/reference.py [FLICKR8K]

writes nasty.jsonl.gz (captions that this script makes from snippets.jsonl, and their tokens) and, given the folder of
the real Flickr8k, flickr8k.json (counts and a hash: its text stays where it is). More lines, which no file here keeps:

    venv/bin/python internal/ptb/testdata/reference.py --lines 200000 --seed 7 /tmp/lines.jsonl
    CAPTIONLAB_PTB_LINES=/tmp/lines.jsonl go test -run More ./internal/ptb
"""
import argparse, gzip, hashlib, json, pathlib, random

from pycocoevalcap.tokenizer import ptbtokenizer

HERE = pathlib.Path(__file__).parent
SNIPPETS = [json.loads(l) for l in (HERE / "snippets.jsonl").read_text(encoding="utf-8").split("\n") if l]
PLAIN = """a the dog man woman two people child runs jumps over in on with red blue ball beach grass snow standing sitting
Boy girl playing MAN An playing through water . , near mountain A Two black brown white shirt it's street""".split()
SIGNS = list("'\"`.,;:!?-_/\\()[]{}<>&$#@*%+=~^| aAbBnNsStTdDmMeEiIoOuUyYkKxX0123456789\u00a0\u00adéΣ’‘“”…—–½€£😀日ı\u0301")
# These would end the reference's line: it loses count of its captions there.
BREAKS = set("\n\r\v\f\u2028\u2029")


def sentence(r):
    return [r.choice(PLAIN) for _ in range(r.randint(3, 12))]


def nasty(r):
    kind = r.random()
    if kind < 0.25:
        words = sentence(r)
        for _ in range(r.randint(1, 3)):
            words.insert(r.randrange(len(words) + 1), r.choice(SNIPPETS))
        text = (" " if r.random() < 0.9 else "").join(words)
    elif kind < 0.7:
        text = "".join((r.choice(SNIPPETS) if r.random() < 0.8 else r.choice(PLAIN)) + r.choice(["", " ", "", " ", "  ", r.choice(SIGNS)])
                       for _ in range(r.randint(1, 8)))
    else:
        text = "".join(r.choice(SIGNS) for _ in range(r.randint(1, 40)))
        if r.random() < 0.5:
            text = r.choice(SNIPPETS) + text + r.choice(SNIPPETS)
    if r.random() < 0.3:
        letters = list(text)
        for _ in range(r.randint(1, 4)):
            at, what = r.randrange(len(letters) + 1), r.random()
            if what < 0.4:
                letters.insert(at, r.choice(SIGNS))
            elif at == len(letters):
                continue
            elif what < 0.7:
                del letters[at]
            elif what < 0.72:
                letters[at] = chr(r.choice([r.randrange(0x80, 0xd800), r.randrange(0xe000, 0x11000)]))
            else:
                letters[at] = letters[at].swapcase()
        text = "".join(letters)
    return "".join(c for c in text if c not in BREAKS)


def tokenize(captions):
    """The tokens of the captions as the lines of one file, before and after punctuation is left out."""
    images = {n: [{"caption": c}] for n, c in enumerate(captions)}
    dropped, ptbtokenizer.PUNCTUATIONS = ptbtokenizer.PUNCTUATIONS, []
    raw = ptbtokenizer.PTBTokenizer().tokenize(images)
    ptbtokenizer.PUNCTUATIONS = dropped
    kept = ptbtokenizer.PTBTokenizer().tokenize(images)
    return [[t for t in raw[n][0].split(" ") if t] for n in images], [[t for t in kept[n][0].split(" ") if t] for n in images]


def write(path, captions):
    raw, kept = tokenize(captions)
    opened = gzip.GzipFile(path, "wb", mtime=0) if path.suffix == ".gz" else open(path, "wb")
    with opened as f:
        for c, r, k in zip(captions, raw, kept):
            f.write((json.dumps({"caption": c, "raw": r, "tokens": k}) + "\n").encode())


def flickr8k(folder):
    rows = (pathlib.Path(folder) / "Flickr8k.token.txt").read_text(encoding="utf-8").split("\n")
    captions = [row.split("\t", 1)[1] for row in rows if row]
    raw, kept = tokenize(captions)
    digest = lambda lines: hashlib.sha256("\n".join(" ".join(l) for l in lines).encode()).hexdigest()
    return {"captions": len(captions), "raw": sum(map(len, raw)), "raw_sha256": digest(raw), "tokens": sum(map(len, kept)), "tokens_sha256": digest(kept)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("path", nargs="?", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    r = random.Random(a.seed)
    if a.lines:
        write(a.path, [nasty(r) for _ in range(a.lines)])
    else:
        ordinary = [" ".join(sentence(r)) for _ in range(300)]
        write(HERE / "nasty.jsonl.gz", SNIPPETS + ordinary + [nasty(r) for _ in range(2500)])
        if a.path:
            (HERE / "flickr8k.json").write_text(json.dumps(flickr8k(a.path), indent=1) + "\n")
