"""The decoder of internal/model in Keras, with weights that our benchmarks left. KERAS_BACKEND must be set before."""
import keras


def layer(kind, build, *weights):
    """A layer with these weights; build is the input's shape."""
    kind.build(build)
    kind.set_weights(list(weights))
    return kind


def parts(sizes, weights):
    """How the picture enters, the embedding and the LSTM; the last two are layers, the first a function to the LSTM's input
    and initial state."""
    units = sizes["units"]
    embedding = layer(keras.layers.Embedding(sizes["vocabulary"], units), (None, None), weights["embedding/embeddings"])

    def dense(name):
        return layer(keras.layers.Dense(units), (None, sizes["features"]), weights[name + "/kernel"], weights[name + "/bias"])

    if sizes["inject"] == "pre":
        image = dense("image")
        return lambda picture, tokens: (keras.layers.Concatenate(axis=1)([keras.layers.Reshape((1, units))(image(picture)), embedding(tokens)]), None)
    h, c = dense("image_to_hidden"), dense("image_to_cell")
    return lambda picture, tokens: (embedding(tokens), [h(picture), c(picture)])


def lstm(sizes, weights, **options):
    units = sizes["units"]
    return layer(keras.layers.LSTM(units, **options), (None, None, units), weights["lstm/kernel"], weights["lstm/recurrent_kernel"], weights["lstm/bias"])


def output(sizes, weights):
    return layer(keras.layers.Dense(sizes["vocabulary"]), (None, None, sizes["units"]), weights["output/kernel"], weights["output/bias"])


def compiled(sizes, model):
    model.compile(keras.optimizers.Adam(sizes["learning_rate"], epsilon=sizes["epsilon"]), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
