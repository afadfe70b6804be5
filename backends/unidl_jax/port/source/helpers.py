"""Functions and classes that a written file gets where it uses them."""

HELPERS = {
    "Frozen": '''
class Frozen(nnx.Variable):
    """A weight that is not trained: no nnx.Param, which is what gradients and optimizers take."""
''',
    "frozen": '''
def frozen(module):
    """`module` with all its weights Frozen."""
    parts = [part for _, part in nnx.iter_graph(module) if isinstance(part, nnx.Module)]
    for part in parts:
        for name, value in list(vars(part).items()):
            if isinstance(value, nnx.Param):
                setattr(part, name, Frozen(value[...]))
    return module
''',
    "tanh_shrink": """
def tanh_shrink(x):
    return x - jnp.tanh(x)
""",
    "soft_shrink": """
def soft_shrink(x, threshold):
    return jnp.sign(x) * jnp.maximum(jnp.abs(x) - threshold, 0)
""",
    "hard_shrink": """
def hard_shrink(x, threshold):
    return jnp.where(jnp.abs(x) > threshold, x, 0)
""",
    "threshold": """
def threshold(x, least, otherwise):
    return jnp.where(x > least, x, otherwise)
""",
    "divide_no_nan": """
def divide_no_nan(x, y):
    return jnp.where(y == 0, 0, x / jnp.where(y == 0, 1, y))
""",
    "attention": '''
def attention(q, k, v, bias=None, scale=1.0):
    """softmax(q k' * scale + bias) v on the last two axes."""
    scores = q @ jnp.swapaxes(k, -1, -2) * scale
    return jax.nn.softmax(scores if bias is None else scores + bias) @ v
''',
    "rms_norm": """
def rms_norm(x, scale, epsilon):
    return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + epsilon) * scale
""",
    "unit_norm": '''
def unit_norm(x, axis, least):
    """x / |x|, where |x| is at least the root of `least`."""
    return x * jax.lax.rsqrt(jnp.maximum(jnp.square(x).sum(axis, keepdims=True), least))
''',
    "adaptive_pool": '''
def adaptive_pool(x, sizes, reduce):
    """`reduce` over `sizes` nearly equal ranges of the axes between batch and channels."""
    for axis, count in enumerate(sizes, 1):
        n = x.shape[axis]
        ranges = [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
        parts = [jax.lax.slice_in_dim(x, *each, axis=axis) for each in ranges]
        x = jnp.concatenate([reduce(y, axis=axis, keepdims=True) for y in parts], axis=axis)
    return x
''',
    "Normalization": '''
class Normalization(nnx.Module):
    """(x - mean) / deviation, with moments of data that was seen before."""

    def __init__(self, *shape, rngs):
        self.mean = Frozen(jnp.zeros(shape))
        self.variance = Frozen(jnp.ones(shape))

    def __call__(self, x):
        return (x - self.mean[...]) / self.deviation()

    def deviation(self):
        return jnp.maximum(jnp.sqrt(self.variance[...]), 1e-7)
''',
    "GaussianNoise": '''
class GaussianNoise(nnx.Module):
    """In training, adds normal noise."""

    def __init__(self, stddev, *, rngs):
        self.stddev, self.deterministic = stddev, False
        self.rngs = rngs.dropout.fork()

    def __call__(self, x):
        if self.deterministic or self.stddev == 0:
            return x
        return x + self.stddev * jax.random.normal(self.rngs(), x.shape, x.dtype)
''',
    "GaussianDropout": '''
class GaussianDropout(nnx.Module):
    """In training, multiplies with normal noise of the variance that dropout has."""

    def __init__(self, rate, *, rngs):
        self.rate, self.deterministic = rate, False
        self.rngs = rngs.dropout.fork()

    def __call__(self, x):
        if self.deterministic or self.rate == 0:
            return x
        stddev = (self.rate / (1 - self.rate)) ** 0.5
        return x * (1 + stddev * jax.random.normal(self.rngs(), x.shape, x.dtype))
''',
    "AlphaDropout": '''
class AlphaDropout(nnx.Module):
    """In training, dropout that keeps mean and variance of what a SELU gives."""

    def __init__(self, rate, *, rngs):
        self.rate, self.deterministic = rate, False
        self.rngs = rngs.dropout.fork()

    def __call__(self, x):
        if self.deterministic or self.rate == 0:
            return x
        floor = -1.0507009873554805 * 1.6732632423543772
        kept = jax.random.bernoulli(self.rngs(), 1 - self.rate, x.shape)
        scale = ((1 - self.rate) * (1 + self.rate * floor**2)) ** -0.5
        return scale * (jnp.where(kept, x, floor) - floor * self.rate)
''',
    "GRUCell": '''
class GRUCell(nnx.GRUCell):
    """An nnx.GRUCell with a bias for the state too."""

    def __init__(self, in_features, hidden_features, *, rngs, **options):
        super().__init__(in_features, hidden_features, rngs=rngs, **options)
        self.dense_h = nnx.Linear(hidden_features, 3 * hidden_features, rngs=rngs)
''',
    "ResetFirstGRUCell": '''
class ResetFirstGRUCell(nnx.GRUCell):
    """An nnx.GRUCell that resets the state before the product, as Cho et al. wrote it."""

    def __call__(self, carry, inputs):
        units = self.hidden_features
        x, kernel = self.dense_i(inputs), self.dense_h.kernel[...]
        gates = self.gate_fn(x[..., : 2 * units] + carry @ kernel[:, : 2 * units])
        r, z = jnp.split(gates, 2, axis=-1)
        n = self.activation_fn(x[..., 2 * units :] + (r * carry) @ kernel[:, 2 * units :])
        carry = (1 - z) * n + z * carry
        return carry, carry
''',
    "ConvLSTMCell": '''
class ConvLSTMCell(nnx.Module):
    """An LSTM's cell with convolutions in place of products, for nnx.RNN."""

    def __init__(
        self,
        in_features,
        features,
        kernel_size,
        *,
        strides=1,
        padding="SAME",
        kernel_dilation=1,
        use_bias=True,
        activation_fn=jnp.tanh,
        gate_fn=jax.nn.sigmoid,
        rngs,
    ):
        self.features, self.num_feature_axes = features, len(kernel_size) + 1
        self.activation_fn, self.gate_fn = activation_fn, gate_fn
        self.conv_i = nnx.Conv(
            in_features,
            4 * features,
            kernel_size,
            strides=strides,
            padding=padding,
            kernel_dilation=kernel_dilation,
            use_bias=use_bias,
            rngs=rngs,
        )
        self.conv_h = nnx.Conv(features, 4 * features, kernel_size, use_bias=False, rngs=rngs)

    def __call__(self, carry, x):
        c, h = carry
        i, f, g, o = jnp.split(self.conv_i(x) + self.conv_h(h), 4, axis=-1)
        c = self.gate_fn(f) * c + self.gate_fn(i) * self.activation_fn(g)
        h = self.gate_fn(o) * self.activation_fn(c)
        return (c, h), h

    def initialize_carry(self, input_shape, rngs=None):
        dtype = self.conv_h.kernel.dtype
        like = jax.eval_shape(self.conv_i, jax.ShapeDtypeStruct(input_shape, dtype))
        zeros = jnp.zeros((*like.shape[:-1], self.features), dtype)
        return zeros, zeros
''',
    "zeros_where_blind": '''
def zeros_where_blind(query, key, value, *, mask, **options):
    """Attention in which queries that see nothing get zeros."""
    y = nnx.dot_product_attention(query, key, value, mask=mask, **options)
    return jnp.where(mask.any(-1)[:, 0, :, None, None], y, 0)
''',
    "masked_mean": '''
def masked_mean(x, mask):
    """Means over the moments where the mask is True: (batch, time, n), (batch, time)."""
    mask = mask[..., None].astype(x.dtype)
    return (x * mask).sum(1) / mask.sum(1)
''',
    "MaskedRNN": '''
class MaskedRNN(nnx.Module):
    """A cell, moment after moment: (batch, time, ...), mask -> carry, outputs. Where the mask is
    False, the carry stays, and outputs stay or are zero."""

    def __init__(self, cell, reverse=False, zeros=False):
        self.cell, self.reverse, self.zeros = cell, reverse, zeros

    def __call__(self, x, mask, carry=None):
        if self.reverse:
            x, mask = x[:, ::-1], mask[:, ::-1]
        if carry is None:
            carry = self.cell.initialize_carry(x[:, 0].shape, nnx.Rngs(0))
            carry = jax.tree.map(lambda state: state.astype(x.dtype), carry)
        graph, weights = nnx.split(self.cell)
        blank = jnp.zeros_like(jax.tree.leaves(carry)[-1])

        def step(before, moment):
            x, keep = moment
            after = nnx.merge(graph, weights)(before[0], x)
            keep = keep.reshape(-1, *[1] * (x.ndim - 1))
            carry, y = jax.tree.map(lambda new, old: jnp.where(keep, new, old), after, before)
            return (carry, blank if self.zeros else y), y

        moments = jnp.swapaxes(x, 0, 1), jnp.swapaxes(mask, 0, 1)
        (carry, _), outputs = jax.lax.scan(step, (carry, blank), moments)
        return carry, jnp.swapaxes(outputs, 0, 1)
''',
    "with_states": '''
def with_states(result, last=False):
    """(outputs, state ...) of an nnx.RNN; an LSTM's carry is (c, h)."""
    carry, y = result
    states = carry[::-1] if isinstance(carry, tuple) else (carry,)
    return y[:, -1] if last else y, *states
''',
    "both_states": '''
def both_states(result):
    """(outputs, states of the forward direction ..., states of the backward one ...)."""
    carries, y = result
    return y, *(h for c in carries for h in (c[::-1] if isinstance(c, tuple) else (c,)))
''',
    "averaged": """
def averaged(forward, backward):
    return (forward + backward) / 2
""",
    "ends": '''
def ends(forward, backward):
    """The last outputs of both directions, side by side."""
    return jnp.concatenate([forward[:, -1], backward[:, 0]], axis=-1)
''',
    "added_ends": """
def added_ends(forward, backward):
    return forward[:, -1] + backward[:, 0]
""",
    "multiplied_ends": """
def multiplied_ends(forward, backward):
    return forward[:, -1] * backward[:, 0]
""",
    "averaged_ends": """
def averaged_ends(forward, backward):
    return (forward[:, -1] + backward[:, 0]) / 2
""",
}

# What the helpers call themselves.
NEEDS = {"frozen": ("Frozen",), "Normalization": ("Frozen",)}
