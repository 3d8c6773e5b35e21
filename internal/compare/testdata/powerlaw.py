"""Fits power laws with SciPy and writes powerlaw.json.

Run with: pip install numpy==2.4.6 scipy==1.17.1; python powerlaw.py
"""
import json
import pathlib

import numpy as np
import scipy
from scipy.optimize import curve_fit
from scipy.stats import t

random = np.random.default_rng(6)
cases = []
for reason, law, sizes, truth, noise, start in [
    ("losses that fall towards a limit", "limit", [100, 200, 400, 800, 1600, 3200], (20, 0.5, 0.8), 0.01, (10, 0.4, 0.5)),
    ("three seeds a size", "limit", [500] * 3 + [1000] * 3 + [2000] * 3 + [4000] * 3 + [6000] * 3, (9, 0.4, 0.6), 0.004, (10, 0.5, 0.5)),
    ("scores that rise towards a limit", "limit", [500, 1000, 2000, 4000, 6000, 8000], (-8, 0.55, 0.9), 0.001, (-5, 0.5, 1)),
    ("three sizes have no limit", "plain", [500] * 2 + [1000] * 2 + [2000] * 2, (9, 0.4), 0.01, (10, 0.5)),
    ("scores that rise without a limit", "plain", [100, 300, 900], (0.004, -0.6), 0.002, (0.01, -0.5)),
]:
    function = (lambda n, a, b, c: a * n ** -b + c) if law == "limit" else (lambda n, a, b: a * n ** -b)
    n = np.array(sizes, dtype=float)
    y = function(n, *truth) + random.normal(0, noise, len(n))
    best, covariance = curve_fit(function, n, y, p0=start, maxfev=100000, xtol=1e-14, ftol=1e-14)
    errors = np.sqrt(np.diag(covariance))
    quantile = t.ppf(0.975, len(n) - len(best))
    at = 2 * n.max()
    step = [function(at, *(best + np.eye(len(best))[k] * 1e-6 * best[k])) for k in range(len(best))]
    gradient = (np.array(step) - function(at, *best)) / (1e-6 * best)
    half = quantile * np.sqrt(gradient @ covariance @ gradient)
    cases.append({"reason": reason, "limit": law == "limit", "n": n.tolist(), "y": y.tolist(), "parameters": best.tolist(), "errors": errors.tolist(),
                  "low": (best - quantile * errors).tolist(), "high": (best + quantile * errors).tolist(),
                  "at": at, "band": [function(at, *best) - half, function(at, *best) + half]})
pathlib.Path(__file__).with_name("powerlaw.json").write_text(
    json.dumps({"scipy": scipy.__version__, "cases": cases}, indent=1) + "\n")
