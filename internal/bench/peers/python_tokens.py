"""Cleaning and tokenizing the captions of BenchmarkTokens in plain Python, as captioning code does: python python_tokens.py"""
import collections
import re
import time

import peer

UNKNOWN, SPECIAL, MIN_COUNT = 3, 4, 5
with open(f"{peer.ROOT}/tokens/captions.txt", encoding="utf-8") as f:
    raw = f.read().split("\n")
began = time.perf_counter()
removed = re.compile(r"https?://\S+|[#@]\w+")
word = re.compile(r"[^\W_]+(?:'[^\W_]+)*|'[^\W_]{1,2}\b")
captions = [word.findall(removed.sub("", text).lower()) for text in raw]
counts = collections.Counter(w for caption in captions for w in caption)
ids = {w: n + SPECIAL for n, (w, count) in enumerate(counts.most_common()) if count >= MIN_COUNT}
encoded = [[ids.get(w, UNKNOWN) for w in caption] for caption in captions]
seconds = time.perf_counter() - began
peer.report("tokens", "python", seconds, "s", {"words": sum(map(len, encoded)), "different words": len(ids),
                                               "unknown words": sum(n == UNKNOWN for caption in encoded for n in caption)})
