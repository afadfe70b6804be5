"""Functions that a written file gets where it uses them."""

HELPERS = {
    "relu": """
def relu(x):
    return np.maximum(x, 0)
""",
    "sigmoid": """
def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))
""",
    "softmax": """
def softmax(x, axis=-1):
    x = np.exp(x - x.max(axis, keepdims=True))
    return x / x.sum(axis, keepdims=True)
""",
    "log_softmax": """
def log_softmax(x, axis=-1):
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis, keepdims=True))
""",
    "logsumexp": """
def logsumexp(x, axis=None, keepdims=False):
    top = x.max(axis, keepdims=True)
    total = np.log(np.exp(x - top).sum(axis, keepdims=True)) + top
    return total if keepdims else total.reshape(np.sum(x, axis).shape)
""",
    "softplus": """
def softplus(x):
    return np.logaddexp(x, 0)
""",
    "erf": """
def erf(x):
    return np.vectorize(math.erf, otypes=[x.dtype])(x)
""",
    "gelu": """
def gelu(x, approximate=False):
    if approximate:
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))
""",
    "leaky_relu": """
def leaky_relu(x, slope):
    return np.where(x > 0, x, slope * x)
""",
    "elu": """
def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
""",
    "selu": """
def selu(x):
    return 1.0507009873554805 * elu(x, 1.6732632423543772)
""",
    "hard_sigmoid": """
def hard_sigmoid(x):
    return np.clip(x / 6 + 0.5, 0, 1)
""",
    "windows": '''
def windows(x, size, strides, padding, dilation=1, fill=0.0):
    """(batch, *space, channels, *window): what a window of `size` sees at each of its places."""
    rank = x.ndim - 2
    strides, dilation = (np.broadcast_to(v, rank) for v in (strides, dilation))
    whole = [d * (k - 1) + 1 for k, d in zip(size, dilation)]
    if padding == "same":
        totals = [max((-(-n // s) - 1) * s + w - n, 0)
                  for n, s, w in zip(x.shape[1:-1], strides, whole)]
        pairs = [(t // 2, t - t // 2) for t in totals]
        x = np.pad(x, [(0, 0), *pairs, (0, 0)], constant_values=fill)
    elif padding == "causal":
        x = np.pad(x, [(0, 0), (whole[0] - 1, 0), (0, 0)])
    x = np.lib.stride_tricks.sliding_window_view(x, whole, axis=tuple(range(1, rank + 1)))
    places = tuple(slice(None, None, s) for s in strides)
    inside = tuple(slice(None, None, d) for d in dilation)
    return x[(slice(None), *places, slice(None), *inside)]
''',
    "conv": '''
def conv(x, kernel, strides=1, padding="valid", dilation=1, groups=1):
    """kernel: (*window, in / groups, out)."""
    rank = x.ndim - 2
    seen = windows(x, kernel.shape[:rank], strides, padding, dilation)
    axes = [*range(rank + 2, 2 * rank + 2), rank + 1]
    parts = zip(np.split(seen, groups, rank + 1), np.split(kernel, groups, -1))
    return np.concatenate([np.tensordot(s, k, (axes, [*range(rank + 1)])) for s, k in parts], -1)
''',
    "depthwise_conv": '''
def depthwise_conv(x, kernel, strides=1, padding="valid", dilation=1):
    """kernel: (*window, channels, multiplier)."""
    rank = x.ndim - 2
    seen = windows(x, kernel.shape[:rank], strides, padding, dilation)
    window = "xyz"[:rank]
    y = np.einsum(f"...c{window},{window}cm->...cm", seen, kernel)
    return y.reshape(*y.shape[:-2], -1)
''',
    "conv_transpose": '''
def conv_transpose(x, kernel, strides=1, padding="valid"):
    """kernel: (*window, out, in)."""
    rank = x.ndim - 2
    strides, size = np.broadcast_to(strides, rank), kernel.shape[:rank]
    whole = [(n - 1) * s + max(k, s) for n, s, k in zip(x.shape[1:-1], strides, size)]
    y = np.zeros((x.shape[0], *whole, kernel.shape[-2]), x.dtype)
    for place in np.ndindex(*size):
        spots = tuple(slice(p, p + (n - 1) * s + 1, s)
                      for p, n, s in zip(place, x.shape[1:-1], strides))
        y[(slice(None), *spots)] += x @ kernel[place].T
    if padding == "same":
        cuts = [((w - n * s) // 2, n * s) for w, n, s in zip(whole, x.shape[1:-1], strides)]
        y = y[(slice(None), *(slice(b, b + n) for b, n in cuts))]
    return y
''',
    "max_pool": """
def max_pool(x, size, strides, padding="valid"):
    rank = x.ndim - 2
    return windows(x, size, strides, padding, fill=-np.inf).max(tuple(range(-rank, 0)))
""",
    "average_pool": """
def average_pool(x, size, strides, padding="valid"):
    rank = x.ndim - 2
    seen = windows(x, size, strides, padding, fill=np.nan)
    return np.nanmean(seen, tuple(range(-rank, 0)))
""",
    "batch_norm": """
def batch_norm(x, mean, variance, gamma, beta, epsilon):
    return (x - mean) * (gamma / np.sqrt(variance + epsilon)) + beta
""",
    "normalized": '''
def normalized(x, axes, epsilon):
    """With mean 0 and variance 1 along `axes`."""
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)
''',
    "group_norm": """
def group_norm(x, groups, epsilon):
    shape = x.shape
    x = x.reshape(shape[0], -1, groups, shape[-1] // groups)
    return normalized(x, (1, 3), epsilon).reshape(shape)
""",
    "rms_norm": """
def rms_norm(x, scale, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * scale
""",
    "unit_norm": """
def unit_norm(x, axis, least):
    return x / np.sqrt(np.maximum((x * x).sum(axis, keepdims=True), least))
""",
    "attention": '''
def attention(q, k, v, bias=None, scale=1.0):
    """softmax(q k' * scale + bias) v on the last two axes."""
    scores = q @ np.swapaxes(k, -1, -2) * scale
    return softmax(scores if bias is None else scores + bias) @ v
''',
    "recurrent": '''
def recurrent(cell, x, sizes, states=None, backwards=False):
    """(outputs, *last states) of a cell, moment after moment: (batch, time, ...)."""
    states = states or [np.zeros((len(x), *size), x.dtype) for size in sizes]
    outputs = []
    for moment in np.swapaxes(x, 0, 1)[:: -1 if backwards else 1]:
        y, *states = cell(moment, *states)
        outputs.append(y)
    return np.stack(outputs, 1), *states
''',
    "masked_recurrent": '''
def masked_recurrent(cell, x, mask, sizes, states=None, backwards=False, zeros=False):
    """(outputs, *last states) of a cell, moment after moment: (batch, time, ...). While the mask is
    False, states stay, and outputs stay or are zero."""
    states = states or [np.zeros((len(x), *size), x.dtype) for size in sizes]
    outputs, y = [], None
    for i in range(x.shape[1])[:: -1 if backwards else 1]:
        keep = mask[:, i].reshape(-1, *[1] * (x.ndim - 2))
        new, *found = cell(x[:, i], *states)
        y = np.where(keep, new, np.zeros_like(new) if y is None or zeros else y)
        states = [np.where(keep, s, old) for s, old in zip(found, states)]
        outputs.append(y)
    return np.stack(outputs, 1), *states
''',
    "masked_mean": '''
def masked_mean(x, mask):
    """Means over the moments where the mask is True: (batch, time, n), (batch, time)."""
    mask = mask[..., None].astype(x.dtype)
    return (x * mask).sum(1) / mask.sum(1)
''',
    "lstm_cell": '''
def lstm_cell(kernel, recurrent, bias=0.0):
    """x, h, c -> outputs, h, c; gates in the order input, forget, candidate, output."""

    def step(x, h, c):
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return h, h, c

    return step
''',
    "gru_cell": '''
def gru_cell(kernel, recurrent, bias=(0.0, 0.0)):
    """x, h -> outputs, h; gates in the order update, reset, candidate."""

    def step(x, h):
        zx, rx, cx = np.split(x @ kernel + bias[0], 3, -1)
        zh, rh, ch = np.split(h @ recurrent + bias[1], 3, -1)
        z = sigmoid(zx + zh)
        h = z * h + (1 - z) * np.tanh(cx + sigmoid(rx + rh) * ch)
        return h, h

    return step
''',
    "rnn_cell": '''
def rnn_cell(kernel, recurrent, activation, bias=0.0):
    """x, h -> outputs, h."""

    def step(x, h):
        h = activation(x @ kernel + h @ recurrent + bias)
        return h, h

    return step
''',
    "lstm": '''
def lstm(x, kernel, recurrent, bias=0.0, states=None, backwards=False):
    """((batch, time, units), h, c); gates in the order input, forget, candidate, output."""
    units = recurrent.shape[0]
    h, c = states or [np.zeros((len(x), units), x.dtype)] * 2
    outputs = []
    for step in np.swapaxes(x, 0, 1)[:: -1 if backwards else 1] @ kernel + bias:
        i, f, g, o = np.split(step + h @ recurrent, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, 1), h, c
''',
    "gru": '''
def gru(x, kernel, recurrent, bias=(0.0, 0.0), states=None, backwards=False):
    """((batch, time, units), h); gates in the order update, reset, candidate."""
    units = recurrent.shape[0]
    (h,) = states or [np.zeros((len(x), units), x.dtype)]
    outputs = []
    for step in np.swapaxes(x, 0, 1)[:: -1 if backwards else 1] @ kernel + bias[0]:
        zx, rx, cx = np.split(step, 3, -1)
        zh, rh, ch = np.split(h @ recurrent + bias[1], 3, -1)
        z = sigmoid(zx + zh)
        h = z * h + (1 - z) * np.tanh(cx + sigmoid(rx + rh) * ch)
        outputs.append(h)
    return np.stack(outputs, 1), h
''',
    "rnn": '''
def rnn(x, kernel, recurrent, activation, bias=0.0, states=None, backwards=False):
    """((batch, time, units), h)."""
    (h,) = states or [np.zeros((len(x), recurrent.shape[0]), x.dtype)]
    outputs = []
    for step in np.swapaxes(x, 0, 1)[:: -1 if backwards else 1] @ kernel + bias:
        h = activation(step + h @ recurrent)
        outputs.append(h)
    return np.stack(outputs, 1), h
''',
}

# What the helpers call themselves.
NEEDS = {
    "gelu": ("erf",), "selu": ("elu",), "conv": ("windows",), "depthwise_conv": ("windows",),
    "max_pool": ("windows",), "average_pool": ("windows",), "group_norm": ("normalized",),
    "attention": ("softmax",), "lstm": ("sigmoid",), "gru": ("sigmoid",),
    "lstm_cell": ("sigmoid",), "gru_cell": ("sigmoid",),
}  # fmt: skip
