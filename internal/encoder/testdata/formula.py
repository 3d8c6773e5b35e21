"""The made-up weights and the picture that the reference scripts beside this file share."""
import math

import numpy


def noise(count, seed):
    """Values in [-0.5, 0.5), exact in float32."""
    x = (numpy.arange(count, dtype="uint64") + seed * 1000003) & 0xFFFFFFFF
    x = x * 2654435761 & 0xFFFFFFFF
    x ^= x >> 15
    x = x * 2246822519 & 0xFFFFFFFF
    x ^= x >> 13
    return ((x >> 8).astype("float32") * numpy.float32(2**-24) - numpy.float32(0.5)).astype("float32")


def weights(shape, seed, inputs, around):
    """A kernel uniform in ±√(6/inputs), which keeps activations of one size; anything else is in ±0.5 around a value."""
    values = noise(math.prod(shape), seed).reshape(shape)
    if len(shape) > 1:
        return values * numpy.float32(2 * numpy.sqrt(6 / inputs))
    return values + numpy.float32(around)


def picture():
    """x[h, w, c] = (3h + 5w + 7c) mod 256 with c counting blue, green, red; as RGB."""
    h, w, c = numpy.mgrid[0:224, 0:224, 0:3]
    return ((3 * h + 5 * w + 7 * c) % 256).astype("float32")[..., ::-1].copy()


def sample(out):
    """A few values of one picture's [height, width, channels] or [values], and what all of them come to."""
    flat = numpy.asarray(out, "float64").ravel()
    at = numpy.linspace(0, flat.size - 1, 9).astype(int)
    return {"shape": list(out.shape), "rms": float(numpy.sqrt((flat**2).mean())), "mean": float(flat.mean()),
            "at": at.tolist(), "values": [float(f"{v:.8g}") for v in flat[at]]}
