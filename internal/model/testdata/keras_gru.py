"""Writes keras_gru.json: Keras' GRU layer on fixed weights, its outputs and its gradients, with both places of the reset gate.

    pip install keras==3.15.1 jax numpy
    KERAS_BACKEND=jax python keras_gru.py

The loss is the sum of weight * h^2 with weight[t] = sin(t) + 1.5, so that each step has its own adjoint.
Gates are in Keras' order z, r, h. With reset_after the bias is [2, 3*units].
"""
import json
import os

os.environ["KERAS_BACKEND"] = "jax"
import jax
import jax.numpy as jnp
import keras
import numpy as np

STEPS, BATCH, IN, UNITS = 6, 2, 3, 4
rng = np.random.default_rng(20261125)


def random(*shape):
    return np.round(rng.standard_normal(shape) * 0.5, 3).astype("float32")


def rounded(x):
    return [float(f"{v:.7g}") for v in np.asarray(x).ravel()]


out = {"made_by": f"keras {keras.__version__} on jax {jax.__version__}, keras_gru.py",
       "steps": STEPS, "batch": BATCH, "in": IN, "units": UNITS, "cases": []}
for reset_after in (True, False):
    values = dict(x=random(STEPS, BATCH, IN), w=random(IN, 3 * UNITS), u=random(UNITS, 3 * UNITS),
                  b=random(2, 3 * UNITS) if reset_after else random(3 * UNITS), h0=random(BATCH, UNITS))
    layer = keras.layers.GRU(UNITS, return_sequences=True, reset_after=reset_after)
    layer.build((BATCH, STEPS, IN))

    def hidden(x, w, u, b, h0):
        y, _ = layer.stateless_call([w, u, b], layer.non_trainable_variables, jnp.swapaxes(x, 0, 1), initial_state=[h0])
        return jnp.swapaxes(y, 0, 1)  # [time, batch, units]

    def loss(*args):
        weight = jnp.sin(jnp.arange(STEPS, dtype="float32"))[:, None, None] + 1.5
        return jnp.sum(weight * hidden(*args) ** 2)

    args = [jnp.asarray(v) for v in values.values()]
    gradients = jax.grad(loss, argnums=tuple(range(5)))(*args)
    out["cases"].append({"reset_after": reset_after, "inputs": {k: rounded(v) for k, v in values.items()},
                         "hidden": rounded(hidden(*args)), "loss": float(loss(*args)),
                         "gradients": {k: rounded(g) for k, g in zip(values, gradients)}})
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras_gru.json"), "w") as f:
    json.dump(out, f)
