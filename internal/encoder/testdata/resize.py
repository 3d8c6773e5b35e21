"""Makes the PIL goldens of resize_test.go, beside this script: python resize.py (Pillow 11.3.0, numpy).

Each NAME.png or NAME.jpg is a small synthetic picture; pil.json holds the SHA-256 of the RGB bytes that
PIL gives for it resized to 24×20 by each filter; for JPEGs, it holds their RGB bytes. From 13 on, Pillow shrinks the
heights of tall pictures before their widths, which rounds a byte here and there otherwise.
"""
import base64
import hashlib
import json
import os

import numpy
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
SIZES = {"shrink": (101, 67), "grow": (11, 7), "same": (24, 20), "mixed": (10, 75), "ties": (48, 60), "line": (1, 40)}


def pattern(width, height):
    y, x = numpy.mgrid[0:height, 0:width]
    return numpy.stack([(7 * x + 3 * y) % 256, (x * y + 11 * x) % 256, 128 + 127 * numpy.sin(x / 5 + y / 7)], -1).astype("uint8")


def smooth(width, height):
    y, x = numpy.mgrid[0:height, 0:width]
    return numpy.stack([128 + 127 * numpy.sin(x / 9), 128 + 127 * numpy.cos(y / 6 + x / 11), 128 + 127 * numpy.sin(x / 7 + y / 5)], -1).astype("uint8")


FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
golden = {"png": {}, "jpg": {}}
for name, size in SIZES.items():
    Image.fromarray(pattern(*size)).save(os.path.join(here, name + ".png"), optimize=True)
    picture = Image.open(os.path.join(here, name + ".png")).convert("RGB")
    golden["png"][name] = {f: hashlib.sha256(picture.resize((24, 20), kind).tobytes()).hexdigest() for f, kind in FILTERS.items()}
for name, sampling in {"444": 0, "422": 1, "420": 2}.items():
    path = os.path.join(here, name + ".jpg")
    Image.fromarray(smooth(51, 37)).save(path, quality=85, subsampling=sampling)
    golden["jpg"][name] = base64.b64encode(Image.open(path).convert("RGB").tobytes()).decode()
with open(os.path.join(here, "pil.json"), "w") as f:
    json.dump(golden, f, indent=1)
    f.write("\n")
