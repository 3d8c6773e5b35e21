"""The decoders of internal/model in JAX, over weights by our names."""
import jax
import jax.numpy as jnp
from jax import lax


def dense(w, name, x):
    return x @ w[name + "/kernel"] + w[name + "/bias"]


def gates(z, c):
    i, f, g, o = jnp.split(z, 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def recurrent(sizes, w, features, tokens):
    """Logits [time, batch, vocabulary] of an LSTM, the picture by sizes["inject"], and no penalty."""
    x = w["embedding/embeddings"][tokens.T]
    if sizes["inject"] == "pre":
        x = jnp.concatenate([dense(w, "image", features)[None], x])
        h = c = jnp.zeros_like(x[0])
    else:
        h, c = dense(w, "image_to_hidden", features), dense(w, "image_to_cell", features)

    def step(state, z):
        h, c = gates(z + state[0] @ w["lstm/recurrent_kernel"], state[1])
        return (h, c), h

    hidden = lax.scan(step, (h, c), dense(w, "lstm", x))[1]
    if sizes["inject"] == "pre":
        hidden = hidden[1:]
    return dense(w, "output", hidden), 0.0


def attention(sizes, w, features, tokens):
    """Logits [time, batch, vocabulary] and the penalty of soft attention (Xu et al. 2015)."""
    grid = features.reshape(len(features), sizes["locations"], -1)
    projected = grid @ w["attention/grid_kernel"] + w["attention/bias"]
    mean = grid.mean(1)
    h, c = jnp.tanh(dense(w, "initial_hidden", mean)), jnp.tanh(dense(w, "initial_cell", mean))
    x = w["embedding/embeddings"][tokens.T]
    from_token, from_grid = jnp.split(w["lstm/kernel"], [x.shape[-1]])

    def step(state, xz):
        h, c = state
        energies = jnp.tanh(projected + (h @ w["attention/hidden_kernel"])[:, None])
        alpha = jax.nn.softmax((energies @ w["attention/score"])[:, :, 0])
        z = jax.nn.sigmoid(dense(w, "gate", h)) * jnp.einsum("bl,blc->bc", alpha, grid)
        h, c = gates(xz + h @ w["lstm/recurrent_kernel"] + z @ from_grid, c)
        return (h, c), (h, z, alpha)

    _, (hs, zs, alphas) = lax.scan(step, (h, c), x @ from_token + w["lstm/bias"])
    out = jnp.tanh(x + dense(w, "deep_hidden", hs) + zs @ w["deep_context/kernel"])
    penalty = sizes["penalty"] * jnp.square(1 - alphas.sum(0)).sum() / tokens.size
    return dense(w, "output", out), penalty
