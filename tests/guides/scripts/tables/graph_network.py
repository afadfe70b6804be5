"""Graph convolution by gathering and segment sums, with attention over the edges."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(85)
NODES, FEATURES, CLASSES = 20, 6, 3
rng = np.random.default_rng(0)
groups = rng.integers(0, CLASSES, size=NODES)
edges = np.array(
    [(i, j) for i in range(NODES) for j in range(NODES) if i != j and groups[i] == groups[j]]
).T
features = rng.normal(size=(NODES, FEATURES)).astype("float32") + np.eye(CLASSES, FEATURES)[groups]


def create_ffn(hidden_units, dropout_rate, name=None):
    found = []
    for units in hidden_units:
        found.append(layers.BatchNormalization())
        found.append(layers.Dropout(dropout_rate))
        found.append(layers.Dense(units, activation=ops.gelu))
    return keras.Sequential(found, name=name)


class GraphConvLayer(layers.Layer):
    def __init__(self, hidden_units, dropout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.ffn_prepare = create_ffn(hidden_units, dropout_rate)
        self.update_fn = create_ffn(hidden_units, dropout_rate)

    def build(self, input_shape):
        node_shape = input_shape[0]
        width = self.ffn_prepare.layers[2].units
        self.ffn_prepare.build(node_shape)
        self.update_fn.build((node_shape[0], node_shape[-1] + width))
        self.built = True

    def call(self, inputs):
        nodes, edges, edge_weights = inputs
        messages = self.ffn_prepare(ops.take(nodes, edges[1], axis=0))
        messages = messages * ops.expand_dims(edge_weights, -1)
        total = ops.segment_sum(messages, edges[0], num_segments=NODES)
        embeddings = self.update_fn(ops.concatenate([nodes, total], axis=1))
        return ops.normalize(embeddings, axis=-1)


class GraphAttention(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[0][-1], self.units), initializer="glorot_uniform", name="kernel"
        )
        self.kernel_attention = self.add_weight(
            shape=(self.units * 2, 1), initializer="glorot_uniform", name="kernel_attention"
        )
        self.built = True

    def call(self, inputs):
        states, edges = inputs
        states = ops.matmul(states, self.kernel)
        ends = ops.concatenate(
            [ops.take(states, edges[0], axis=0), ops.take(states, edges[1], axis=0)], axis=-1
        )
        scores = ops.squeeze(ops.leaky_relu(ops.matmul(ends, self.kernel_attention)), -1)
        scores = ops.exp(ops.clip(scores, -2, 2))
        total = ops.segment_sum(scores, edges[0], num_segments=NODES)
        scores = scores / ops.take(total, edges[0])
        neighbours = ops.take(states, edges[1], axis=0)
        return ops.segment_sum(
            neighbours * scores[:, None], edges[0], num_segments=NODES, sorted=False
        )


class GNNNodeClassifier(keras.Model):
    def __init__(self, graph_info, num_classes, hidden_units, **kwargs):
        super().__init__(**kwargs)
        self.node_features, self.edges, edge_weights = (
            ops.convert_to_tensor(part) for part in graph_info
        )
        self.edge_weights = edge_weights / ops.sum(edge_weights)
        self.preprocess = create_ffn(hidden_units, 0.1, name="preprocess")
        self.conv1 = GraphConvLayer(hidden_units, name="graph_conv1")
        self.attention = GraphAttention(hidden_units[-1])
        self.compute_logits = layers.Dense(num_classes, name="logits")

    def call(self, input_node_indices):
        x = self.preprocess(self.node_features)
        x1 = self.conv1((x, self.edges, self.edge_weights))
        x = x1 + x
        x = self.attention((x, self.edges)) + x
        return self.compute_logits(ops.take(x, input_node_indices, axis=0))


info = (features.astype("float32"), edges.astype("int32"), np.ones(edges.shape[1], "float32"))
model = GNNNodeClassifier(info, CLASSES, [8, 8])
print("logits", tuple(model(ops.convert_to_tensor([1, 10, 19])).shape), model.count_params())
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")],
)
history = model.fit(np.arange(NODES), groups, epochs=6, batch_size=10, verbose=0)
print("logs", sorted(history.history))
assert history.history["loss"][-1] < history.history["loss"][0]
print("predicted", model.predict(np.arange(4), verbose=0).shape)
