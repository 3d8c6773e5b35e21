"""Writes keras_lstm.json: Keras' LSTM layer on fixed weights, its outputs and its gradients.

    pip install keras==3.15.1 jax numpy
    KERAS_BACKEND=jax python keras_lstm.py

The loss is the sum of weight * h^2 with weight[t] = sin(t) + 1.5, so that each step has its own adjoint.
Gates are in Keras' order i, f, c, o.
"""
import json
import os

os.environ["KERAS_BACKEND"] = "jax"
import jax
import jax.numpy as jnp
import keras
import numpy as np

STEPS, BATCH, IN, UNITS = 7, 3, 4, 5
rng = np.random.default_rng(20261123)


def random(*shape):
    return (rng.standard_normal(shape) * 0.4).astype("float32")


values = dict(x=random(STEPS, BATCH, IN), w=random(IN, 4 * UNITS), u=random(UNITS, 4 * UNITS), b=random(4 * UNITS),
              h0=random(BATCH, UNITS), c0=random(BATCH, UNITS))
layer = keras.layers.LSTM(UNITS, return_sequences=True)
layer.build((BATCH, STEPS, IN))


def hidden(x, w, u, b, h0, c0):
    y, _ = layer.stateless_call([w, u, b], layer.non_trainable_variables, jnp.swapaxes(x, 0, 1), initial_state=[h0, c0])
    return jnp.swapaxes(y, 0, 1)  # [time, batch, units]


def loss(*args):
    weight = jnp.sin(jnp.arange(STEPS, dtype="float32"))[:, None, None] + 1.5
    return jnp.sum(weight * hidden(*args) ** 2)


args = [jnp.asarray(values[k]) for k in ("x", "w", "u", "b", "h0", "c0")]
gradients = jax.grad(loss, argnums=tuple(range(6)))(*args)
out = {"made_by": f"keras {keras.__version__} on jax {jax.__version__}, keras_lstm.py",
       "steps": STEPS, "batch": BATCH, "in": IN, "units": UNITS,
       "inputs": {k: v.ravel().tolist() for k, v in values.items()},
       "hidden": np.asarray(hidden(*args)).ravel().tolist(),
       "loss": float(loss(*args)),
       "gradients": {k: np.asarray(g).ravel().tolist() for k, g in zip(("x", "w", "u", "b", "h0", "c0"), gradients)}}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras_lstm.json"), "w") as f:
    json.dump(out, f)
