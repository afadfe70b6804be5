"""Models of unidl, traced with operators of TensorFlow that LiteRT has, too."""

from __future__ import annotations

from unidl.backend import contract
from unidl.backend.contract.conv import interpolation_matrix
from unidl_tensorflow.load import tf
from unidl_tensorflow.port.relay import TensorFlowRelay


class LiteRTRelay(TensorFlowRelay):
    runtime = "LiteRT"

    def composes(self, name, args):
        return name == "lstm" or super().composes(name, args)

    def run_conv_transpose(self, spec, x, kernel, strides, dilation, starts, sizes):
        """The full result, of which a part is cut."""
        rank = len(strides)
        if rank == 1:
            planes = self.run_conv_transpose(
                spec, tf.expand_dims(x, 1), tf.expand_dims(kernel, 0), (1, *strides),
                (1, *dilation), (0, *starts), (1, *sizes),
            )  # fmt: skip
            return tf.squeeze(planes, 1)
        if max(dilation) > 1:
            body = contract.Conv.conv_transpose
            return body(self.adapter, x, kernel, strides, dilation, starts, sizes)
        counts = [self.size(x, axis) for axis in range(1, rank + 1)]
        axes = zip(counts, kernel.shape[:rank], strides, strict=True)
        full = [(n - 1) * s + k for n, k, s in axes]
        function = tf.nn.conv2d_transpose if rank == 2 else tf.nn.conv3d_transpose
        shape = tf.stack([tf.shape(x)[0], *full, kernel.shape[rank]])
        y = function(x, kernel, shape, (1, *strides, 1), "VALID")
        ends = [start + size for start, size in zip(starts, sizes, strict=True)]
        beyond = [_beyond(end, length) for end, length in zip(ends, full, strict=True)]
        if any(type(n) is not int or n for n in beyond):
            y = tf.pad(y, ((0, 0), *((0, n) for n in beyond), (0, 0)))
        cut = (slice(None), *map(slice, starts, ends))
        return y[cut]

    def run_resize(self, spec, x, size, interpolation, antialias=False):
        """One product an axis. Not tf.einsum, which LiteRT gets wrong for an open batch."""
        if None in x.shape[1:3]:
            return super().run_resize(spec, x, size, interpolation, antialias)
        for axis in (1, 2):
            weights = interpolation_matrix(x.shape[axis], size[axis - 1], interpolation, antialias)
            order = [a for a in range(4) if a != axis]
            product = tf.tensordot(
                tf.transpose(x, [*order, axis]), tf.constant(weights.T, x.dtype), 1
            )
            x = tf.transpose(product, [[*order, axis].index(a) for a in range(4)])
        return x

    def run_scan(self, step, state, xs, reverse):
        length = self.size(xs[0], 0)
        if isinstance(length, int):
            return contract.Recurrent.scan(self.adapter, step, state, xs, reverse)
        # LiteRT's lists of tensors want fixed shapes, so that outputs are put into one tensor.
        first = length - 1 if reverse else 0
        moments = tf.range(length)
        state, y = step(tuple(state), tuple(x[first] for x in xs))

        def put(outputs, t, y):
            here = tf.reshape(moments == t, [-1] + [1] * len(y.shape))
            return tf.where(here, y[None], outputs)

        outputs = tf.zeros(tf.concat([[length], tf.shape(y)], 0), y.dtype)
        start = (tf.constant(1), tuple(state), put(outputs, first, y))

        def body(count, state, outputs):
            t = length - 1 - count if reverse else count
            state, y = step(state, tuple(tf.gather(x, t) for x in xs))
            return count + 1, tuple(state), put(outputs, t, y)

        _, state, outputs = tf.while_loop(lambda count, *_: count < length, body, start)
        return state, outputs


def _beyond(end, length):
    """How many zeros follow."""
    if isinstance(end, int) and isinstance(length, int):
        return max(0, end - length)
    return tf.maximum(0, end - length)
