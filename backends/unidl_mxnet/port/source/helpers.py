"""Functions and classes that a written file gets where it uses them. F is mx.nd or mx.sym."""

HELPERS = {
    "Floats": '''
class Floats(gluon.HybridBlock):
    """Numbers in the dtype of the model."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dtype = "float32"

    def cast(self, dtype):
        self.dtype = dtype
        super().cast(dtype)

    def hybrid_forward(self, F, x):
        return F.cast(x, dtype=self.dtype)
''',
    "silu": """
def silu(F, x):
    return x * F.sigmoid(x)
""",
    "hard_silu": """
def hard_silu(F, x):
    return x * F.minimum(F.maximum(x / 6 + 0.5, 0), 1)
""",
    "mish": """
def mish(F, x):
    return x * F.tanh(F.Activation(x, act_type="softrelu"))
""",
    "tanh_shrink": """
def tanh_shrink(F, x):
    return x - F.tanh(x)
""",
    "celu": """
def celu(F, x, alpha):
    return F.maximum(x, 0) + alpha * F.expm1(F.minimum(x, 0) / alpha)
""",
    "selu": '''
def selu(F, x):
    """By its formula: the gradient of MXNet's own is another one."""
    below = 1.6732632423543772 * F.expm1(F.minimum(x, 0))
    return 1.0507009873554805 * (F.relu(x) + below)
''',
    "soft_shrink": """
def soft_shrink(F, x, threshold):
    return F.maximum(x - threshold, 0) + F.minimum(x + threshold, 0)
""",
    "hard_shrink": """
def hard_shrink(F, x, threshold):
    return x * (F.abs(x) > threshold)
""",
    "gelu": '''
def gelu(F, x):
    """Approximated by a tanh."""
    return 0.5 * x * (1 + F.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
''',
    "glu": """
def glu(F, x, axis):
    y, gate = F.split(x, num_outputs=2, axis=axis)
    return y * F.sigmoid(gate)
""",
    "softmax": '''
def softmax(F, x, axis):
    """Softmax along several axes at once."""
    x = F.exp(F.broadcast_sub(x, F.max(x, axis=axis, keepdims=True)))
    return F.broadcast_div(x, F.sum(x, axis=axis, keepdims=True))
''',
    "logsumexp": """
def logsumexp(F, x, axis, keepdims=False):
    most = F.BlockGrad(F.max(x, axis=axis, keepdims=True))
    found = F.log(F.sum(F.exp(F.broadcast_sub(x, most)), axis=axis, keepdims=True))
    return F.sum(F.broadcast_add(found, most), axis=axis, keepdims=keepdims)
""",
    "var": """
def var(F, x, axis, keepdims=False):
    difference = F.broadcast_sub(x, F.mean(x, axis=axis, keepdims=True))
    return F.mean(F.square(difference), axis=axis, keepdims=keepdims)
""",
    "std": """
def std(F, x, axis, keepdims=False):
    return F.sqrt(var(F, x, axis, keepdims))
""",
    "moments": '''
def moments(F, x, axis, keepdims=False):
    """Mean and variance over some axes."""
    return F.mean(x, axis=axis, keepdims=keepdims), var(F, x, axis, keepdims)
''',
    "unit_norm": '''
def unit_norm(F, x, axis, eps):
    """x / |x|, where |x| is at least the root of eps."""
    square = F.maximum(F.sum(F.square(x), axis=axis, keepdims=True), eps)
    return F.broadcast_mul(x, F.rsqrt(square))
''',
    "rms_norm": """
def rms_norm(F, x, scale, eps):
    square = F.mean(F.square(x), axis=-1, keepdims=True)
    return F.broadcast_mul(F.broadcast_mul(x, F.rsqrt(square + eps)), scale)
""",
    "pad_steps": '''
def pad_steps(F, x, before, after, value=0):
    """The last of three axes, padded."""
    widths = (0, 0, 0, 0, 0, 0, before, after)
    x = F.pad(F.expand_dims(x, axis=2), mode="constant", pad_width=widths, constant_value=value)
    return F.squeeze(x, axis=2)
''',
    "pad_axis": """
def pad_axis(F, x, axis, before, after, value=0):
    fill = F.zeros_like(F.slice_axis(x, axis=axis, begin=0, end=1)) + value
    parts = [F.repeat(fill, repeats=n, axis=axis) for n in (before, after) if n]
    return F.concat(*parts[:1 if before else 0], x, *parts[1 if before else 0 :], dim=axis)
""",
    "RMSNorm": '''
class RMSNorm(gluon.HybridBlock):
    """x / rms(x) * scale, along the last axis."""

    def __init__(self, channels, epsilon, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.scale = self.params.get("scale", shape=(channels,), init="ones")

    def hybrid_forward(self, F, x, scale):
        return rms_norm(F, x, scale, self.epsilon)
''',
    "GroupNorm": '''
class GroupNorm(gluon.HybridBlock):
    """Normalizes groups of channels: (batch, channels, ...). nn.GroupNorm of MXNet 1.9 has one
    gamma for a group, not for a channel."""

    def __init__(self, groups, channels, epsilon, scale=True, center=True, **kwargs):
        super().__init__(**kwargs)
        self.groups, self.epsilon = groups, epsilon
        self.gamma = self.params.get("gamma", shape=(channels,), init="ones") if scale else None
        self.beta = self.params.get("beta", shape=(channels,), init="zeros") if center else None

    def hybrid_forward(self, F, x, gamma=None, beta=None):
        y = F.reshape(x, shape=(0, self.groups, -1))
        mean, variance = moments(F, y, 2, keepdims=True)
        y = F.broadcast_mul(F.broadcast_sub(y, mean), F.rsqrt(variance + self.epsilon))
        if gamma is None and beta is None:
            return F.reshape_like(y, x)
        y = F.reshape(F.reshape_like(y, x), shape=(0, 0, -1))
        if gamma is not None:
            y = F.broadcast_mul(y, F.reshape(gamma, shape=(1, -1, 1)))
        if beta is not None:
            y = F.broadcast_add(y, F.reshape(beta, shape=(1, -1, 1)))
        return F.reshape_like(y, x)
''',
    "Normalization": '''
class Normalization(gluon.HybridBlock):
    """(x - mean) / deviation, with moments of data that was seen before."""

    def __init__(self, shape, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.invert = invert
        self.mean = self.params.get("mean", shape=shape, grad_req="null")
        self.variance = self.params.get("variance", shape=shape, grad_req="null")

    def hybrid_forward(self, F, x, mean, variance):
        deviation = F.maximum(F.sqrt(variance), 1e-7)
        if self.invert:
            return F.broadcast_add(F.broadcast_mul(x, deviation), mean)
        return F.broadcast_div(F.broadcast_sub(x, mean), deviation)
''',
    "PReLU": '''
class PReLU(gluon.HybridBlock):
    """One slope or several for numbers below 0. The gradient of nn.PReLU is wrong for some."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.alpha = self.params.get("alpha", shape=shape)

    def hybrid_forward(self, F, x, alpha):
        return F.maximum(x, 0) + F.broadcast_mul(alpha, F.minimum(x, 0))
''',
    "attention": '''
def attention(F, query, key, value, scale, bias=None):
    """softmax(query @ key.T * scale + bias) @ value: (..., t, d), (..., s, d), (..., s, v)."""
    scores = F.linalg.gemm2(query, key, transpose_b=True) * scale
    if bias is not None:
        scores = F.broadcast_add(scores, bias)
    return F.linalg.gemm2(F.softmax(scores, axis=-1), value)
''',
    "MultiHeadAttention": '''
class MultiHeadAttention(gluon.HybridBlock):
    """Attention of `heads` heads: (batch, t, query_size), (batch, s, ...) -> (batch, t, out)."""

    def __init__(
        self,
        heads,
        key_dim,
        value_dim,
        query_size,
        key_size,
        value_size,
        out,
        use_bias=True,
        dropout=0.0,
        causal=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.heads, self.scale, self.causal = heads, key_dim**-0.5, causal
        with self.name_scope():
            options = {"flatten": False, "use_bias": use_bias}
            self.query = nn.Dense(heads * key_dim, in_units=query_size, **options)
            self.key = nn.Dense(heads * key_dim, in_units=key_size, **options)
            self.value = nn.Dense(heads * value_dim, in_units=value_size, **options)
            self.output = nn.Dense(out, in_units=heads * value_dim, **options)
            self.dropout = nn.Dropout(dropout)

    def split(self, F, x):
        """(batch, t, heads * n) -> (batch * heads, t, n)."""
        x = F.transpose(F.reshape(x, shape=(0, 0, self.heads, -1)), axes=(0, 2, 1, 3))
        return F.reshape(x, shape=(-3, 0, 0))

    def hybrid_forward(self, F, query, value, key=None):
        key = value if key is None else key
        q, k, v = self.query(query), self.key(key), self.value(value)
        q, k, v = self.split(F, q), self.split(F, k), self.split(F, v)
        scores = F.batch_dot(q * self.scale, k, transpose_b=True)
        if self.causal:
            scores = without_later(F, scores)
        y = F.batch_dot(self.dropout(F.softmax(scores, axis=-1)), v)
        y = F.transpose(F.reshape(y, shape=(-4, -1, self.heads, 0, 0)), axes=(0, 2, 1, 3))
        return self.output(F.reshape(y, shape=(0, 0, -3)))
''',
    "MaskedMultiHeadAttention": '''
class MaskedMultiHeadAttention(MultiHeadAttention):
    """The same where `keep`, (batch, t, s) or with sizes of 1, is 1 for what is attended to. A
    query that sees nothing gets the mean of all values, beside dropout zeros."""

    def hybrid_forward(self, F, keep, query, value, key=None):
        key = value if key is None else key
        q, k, v = self.query(query), self.key(key), self.value(value)
        q, k, v = self.split(F, q), self.split(F, k), self.split(F, v)
        keep = F.repeat(keep, repeats=self.heads, axis=0)
        scores = F.batch_dot(q * self.scale, k, transpose_b=True)
        keep = F.broadcast_like(keep, scores)
        if self.causal:
            keep = F.maximum(without_later(F, keep), 0)
        seen = F.max(keep, axis=2, keepdims=True)
        scores = F.broadcast_mul(F.where(keep, scores, F.zeros_like(scores) - 6e4), seen)
        y = F.batch_dot(self.dropout(F.softmax(scores, axis=-1)), v)
        y = F.broadcast_mul(y, seen) if self.dropout._rate else y
        y = F.transpose(F.reshape(y, shape=(-4, -1, self.heads, 0, 0)), axes=(0, 2, 1, 3))
        return self.output(F.reshape(y, shape=(0, 0, -3)))
''',
    "masked_mean": '''
def masked_mean(F, x, mask):
    """Means over the moments where the mask is 1: (batch, time, n), (batch, time)."""
    mask = F.broadcast_like(F.expand_dims(mask, axis=2), x)
    return F.sum(x * mask, axis=1) / F.sum(mask, axis=1)
''',
    "masked": '''
def masked(F, cell, x, mask, states, zeros=False):
    """(outputs, states) of a cell, moment after moment: (batch, time, n). Where the mask is 0, the
    states stay, and the outputs stay or are zero."""

    def step(moment, before):
        x, keep = moment
        y, found = cell(x, before[1:])
        y, *states = [F.where(keep, new, old) for new, old in zip([y, *found], before)]
        return y, [y, *states]

    moments = [F.swapaxes(x, dim1=0, dim2=1), F.swapaxes(mask, dim1=0, dim2=1)]
    outputs, states = F.contrib.foreach(step, moments, [F.zeros_like(states[0]), *states])
    outputs = F.swapaxes(outputs, dim1=0, dim2=1)
    if zeros:
        outputs = F.broadcast_mul(outputs, F.expand_dims(mask, axis=2))
    return outputs, states[1:]
''',
    "roll": '''
def roll(F, x, shift, axis):
    """The last `shift` along an axis come first."""
    last = F.slice_axis(x, axis=axis, begin=-shift, end=None)
    return F.concat(last, F.slice_axis(x, axis=axis, begin=0, end=-shift), dim=axis)
''',
    "without_later": '''
def without_later(F, scores):
    """Scores (batch, query, key), very small where the key comes after the query."""
    query = F.expand_dims(F.contrib.arange_like(scores, axis=1), axis=1)
    key = F.expand_dims(F.contrib.arange_like(scores, axis=2), axis=0)
    is_later = F.expand_dims(F.broadcast_greater(key, query), axis=0)
    return F.where(F.broadcast_like(is_later, scores), F.zeros_like(scores) - 6e4, scores)
''',
    "zero_states": '''
def zero_states(F, x, units):
    """Zeros (batch, units) for x (batch, time, n)."""
    zeros = F.zeros_like(F.slice(x, begin=(None, 0, 0), end=(None, 1, 1)))
    return F.broadcast_axis(F.squeeze(zeros, axis=2), axis=1, size=units)
''',
    "zeros": '''
def zeros(F, x, size):
    """Zeros (batch, *size) for x (batch, ...)."""
    zero = F.zeros_like(F.slice_axis(F.flatten(x), axis=1, begin=0, end=1))
    return F.reshape(F.repeat(zero, repeats=int(np.prod(size)), axis=1), shape=(0, *size))
''',
    "stepped": '''
def stepped(F, cell, x, states):
    """(outputs, states) of a cell, moment after moment: (batch, time, ...)."""

    def step(moment, before):
        y, *after = cell(moment, *before)
        return y, after

    outputs, states = F.contrib.foreach(step, F.swapaxes(x, dim1=0, dim2=1), states)
    return F.swapaxes(outputs, dim1=0, dim2=1), states
''',
    "as_cell": '''
def as_cell(block):
    """A block of x and its states, called as cells of gluon.rnn are."""

    def cell(x, states):
        y, *states = block(x, *states)
        return y, states

    return cell
''',
    "without_layers": '''
def without_layers(F, result):
    """(sequence, states), where the states have an axis for the number of layers, 1."""
    y, states = result
    return y, [F.squeeze(state, axis=0) for state in states]
''',
    "with_states": '''
def with_states(F, result, is_last=False):
    """(outputs, state ...) of (sequence, states)."""
    y, states = result
    return (last(F, y) if is_last else y, *states)
''',
    "GRUCell": '''
class GRUCell(rnn.GRUCell):
    """A GRU with other activations, or whose reset gate acts before the product with the state."""

    def __init__(
        self,
        units,
        input_size=0,
        activation="tanh",
        recurrent_activation="sigmoid",
        reset_after=True,
        **kwargs,
    ):
        super().__init__(units, input_size=input_size, **kwargs)
        self.activation, self.recurrent_activation = activation, recurrent_activation
        self.reset_after = reset_after

    def hybrid_forward(self, F, x, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        n, (h,) = self._hidden_size, states

        def part(array, axis, begin, end=None):
            return F.slice_axis(array, axis=axis, begin=begin, end=end)

        def of_state(state, begin, end):
            w, b = part(h2h_weight, 0, begin, end), part(h2h_bias, 0, begin, end)
            return F.FullyConnected(state, w, b, num_hidden=end - begin)

        x = F.FullyConnected(x, i2h_weight, i2h_bias, num_hidden=3 * n)
        both = part(x, 1, 0, 2 * n) + of_state(h, 0, 2 * n)
        both = F.Activation(both, act_type=self.recurrent_activation)
        reset, update = F.split(both, num_outputs=2)
        if self.reset_after:
            new = reset * of_state(h, 2 * n, 3 * n)
        else:
            new = of_state(reset * h, 2 * n, 3 * n)
        new = F.Activation(part(x, 1, 2 * n) + new, act_type=self.activation)
        h = update * h + (1 - update) * new
        return h, [h]
''',
    "last": '''
def last(F, y):
    """The last moment of (batch, time, n)."""
    return F.squeeze(F.slice_axis(y, axis=1, begin=-1, end=None), axis=1)
''',
    "adaptive_pool": '''
def adaptive_pool(F, reduce, x, axis, size, count):
    """`count` windows over the `size` elements of an axis, each reduced to one number."""
    parts = []
    for i in range(count):
        begin, end = i * size // count, -(-(i + 1) * size // count)
        window = F.slice_axis(x, axis=axis, begin=begin, end=end)
        parts.append(reduce(window, axis=axis, keepdims=True))
    return F.concat(*parts, dim=axis)
''',
    "spread": '''
def spread(F, x, axis, stride):
    """With stride - 1 zeros between neighbours along an axis."""
    x = F.expand_dims(x, axis=axis + 1)
    zeros = F.repeat(F.zeros_like(x), repeats=stride - 1, axis=axis + 1)
    x = F.reshape(F.concat(x, zeros, dim=axis + 1), shape=(*[0] * axis, -3, -2))
    return F.slice_axis(x, axis=axis, begin=0, end=1 - stride)
''',
    "both_ends": '''
def both_ends(F, y):
    """The last outputs of both directions, side by side, of (batch, time, 2 * n)."""
    end, begin = (F.slice_axis(y, axis=1, begin=b, end=e) for b, e in ((-1, None), (0, 1)))
    parts = F.split(end, num_outputs=2, axis=2)[0], F.split(begin, num_outputs=2, axis=2)[1]
    return F.squeeze(F.concat(*parts, dim=2), axis=1)
''',
}

# Helpers that others call.
NEEDS = {
    "std": ("var",), "moments": ("var",), "RMSNorm": ("rms_norm",),
    "GroupNorm": ("var", "moments"), "MultiHeadAttention": ("without_later",),
    "with_states": ("last",), "MaskedMultiHeadAttention": ("without_later", "MultiHeadAttention"),
}  # fmt: skip
