"""Neural-network functions, a family a module, each with a backward of its own in few passes."""

from __future__ import annotations

from unidl.backend import contract
from unidl_numpy import activations, attention, losses, normalization
from unidl_numpy.indexing import sum_rows
from unidl_numpy.tape import primitive


@primitive
def embedding(table, indices):
    def backward(g):
        return sum_rows(
            table.shape[0], indices.reshape(-1), g.reshape(indices.size, *table.shape[1:])
        )

    return table[indices], (backward,)


class NN(contract.NN):
    relu = staticmethod(activations.relu)
    relu6 = staticmethod(activations.relu6)
    leaky_relu = staticmethod(activations.leaky_relu)
    elu = staticmethod(activations.elu)
    softplus = staticmethod(activations.softplus)
    silu = staticmethod(activations.silu)
    gelu = staticmethod(activations.gelu)
    softmax = staticmethod(activations.softmax)
    log_softmax = staticmethod(activations.log_softmax)

    attention = staticmethod(attention.attention)

    sparse_softmax_cross_entropy = staticmethod(losses.sparse_softmax_cross_entropy)
    softmax_cross_entropy = staticmethod(losses.softmax_cross_entropy)
    sigmoid_cross_entropy = staticmethod(losses.sigmoid_cross_entropy)

    batch_norm_training = staticmethod(normalization.batch_norm_training)
    layer_norm = staticmethod(normalization.layer_norm)

    embedding = staticmethod(embedding)
