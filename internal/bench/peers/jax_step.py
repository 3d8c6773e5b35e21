"""A training step of the decoder in plain JAX, jit of lax.scan: python jax_step.py BENCHMARK"""
import functools
import sys

import jax
import jax.numpy as jnp

import peer
from jax_decoder import attention, recurrent

benchmark = sys.argv[1]
sizes, weights, data = peer.load(benchmark)
logits_of = functools.partial(attention if sizes["decoder"] == "attention" else recurrent, sizes)


def loss(params, features, tokens, targets):
    logits, penalty = logits_of(params, features, tokens)  # [time, batch, vocabulary]
    picked = jnp.take_along_axis(logits, targets.T[:, :, None], -1)[:, :, 0]
    return jnp.mean(jax.nn.logsumexp(logits, -1) - picked) + penalty


@functools.partial(jax.jit, donate_argnums=(0, 1, 2))
def update(params, m, v, n, features, tokens, targets):
    value, gradients = jax.value_and_grad(loss)(params, features, tokens, targets)
    tree = jax.tree_util.tree_map
    m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
    v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
    rate = sizes["learning_rate"] * jnp.sqrt(1 - 0.999**n) / (1 - 0.9**n)
    epsilon = sizes["epsilon"] * jnp.sqrt(1 - 0.999**n)  # of the corrected moments
    return tree(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + epsilon), params, m, v), m, v, value


params = {k: jnp.array(v) for k, v in weights.items()}
m, v = ({k: jnp.zeros_like(p) for k, p in params.items()} for _ in range(2))
n = 0


def step():
    global params, m, v, n
    n += 1
    params, m, v, value = update(params, m, v, float(n), data["features"], data["tokens"], data["targets"])
    return value


peer.measure(benchmark, "jax", sizes, step, ["jax"])
