"""Functions and classes that a written file gets where it uses them."""

HELPERS = {
    "moments": '''
def moments(x, dims, keepdim):
    """Mean and variance over some axes."""
    variance, mean = torch.var_mean(x, dims, correction=0, keepdim=keepdim)
    return mean, variance
''',
    "Normalization": '''
class Normalization(nn.Module):
    """(x - mean) / deviation, with moments of data that was seen before."""

    def __init__(self, *shape):
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.ones(shape))

    def forward(self, x):
        return (x - self.mean) / self.deviation()

    def deviation(self):
        return self.variance.sqrt().clamp(min=1e-7)
''',
    "Dropout": '''
class Dropout(nn.Dropout):
    """One draw for all elements along the axes where `noise_shape` is 1."""

    def __init__(self, rate, noise_shape):
        super().__init__(rate)
        self.noise_shape = noise_shape

    def forward(self, x):
        shape = [n or size for n, size in zip(self.noise_shape, x.shape)]
        return x * super().forward(torch.ones(shape, dtype=x.dtype, device=x.device))
''',
    "softmax": '''
def softmax(x, dims):
    """Softmax along several axes at once."""
    x = torch.exp(x - x.amax(dims, keepdim=True))
    return x / x.sum(dims, keepdim=True)
''',
    "average_pool": '''
def average_pool(x, size, stride, sides):
    """Averages of what a window sees of x; what `sides` adds around it does not count."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(size) - 1]
    seen = pool(F.pad(torch.ones_like(x[:1, :1]), sides), size, stride)
    return pool(F.pad(x, sides), size, stride) / seen
''',
    "unit_norm": '''
def unit_norm(x, dim, eps):
    """x / |x|, where |x| is at least the root of eps."""
    return x * torch.rsqrt(torch.clamp((x * x).sum(dim, keepdim=True), min=eps))
''',
    "same_padding": '''
def same_padding(x, kernel, stride, dilation, value=0.0):
    """Pads so that ceil(size / stride) windows fit; the odd zero stands behind."""
    sizes = []
    for n, k, s, d in reversed([*zip(x.shape[2:], kernel, stride, dilation)]):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        sizes += [total // 2, total - total // 2]
    return F.pad(x, sizes, value=value)
''',
    "MultiHeadAttention": '''
class MultiHeadAttention(nn.Module):
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
        bias=True,
        dropout=0.0,
    ):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(query_size, heads * key_dim, bias=bias)
        self.key = nn.Linear(key_size, heads * key_dim, bias=bias)
        self.value = nn.Linear(value_size, heads * value_dim, bias=bias)
        self.output = nn.Linear(heads * value_dim, out, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, value, key=None, causal=False):
        q, k, v = self.query(query), self.key(value if key is None else key), self.value(value)
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (q, k, v))
        rate = self.dropout.p if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=rate, is_causal=causal)
        return self.output(y.transpose(1, 2).flatten(2))
''',
    "MaskedMultiHeadAttention": '''
class MaskedMultiHeadAttention(MultiHeadAttention):
    """The same where `keep`, (batch, t, s) or with sizes of 1, is True for what is attended to. A
    query that sees nothing gets the mean of all values, beside dropout zeros."""

    def forward(self, keep, query, value, key=None):
        q, k, v = self.query(query), self.key(value if key is None else key), self.value(value)
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (q, k, v))
        keep = keep.unsqueeze(1)
        seen = keep.any(-1, keepdim=True)
        q = torch.where(seen, q, 0.0)
        rate = self.dropout.p if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=keep | ~seen, dropout_p=rate)
        y = torch.where(seen, y, 0.0) if self.dropout.p else y
        return self.output(y.transpose(1, 2).flatten(2))
''',
    "masked_mean": '''
def masked_mean(x, mask):
    """Means over the moments where the mask is True: (batch, time, n), (batch, time)."""
    mask = mask.unsqueeze(-1).to(x.dtype)
    return (x * mask).sum(1) / mask.sum(1)
''',
    "with_states": '''
def with_states(result, last=False):
    """(outputs, state ...) of a recurrent module, each (batch, ...)."""
    y, states = result
    states = states if isinstance(states, tuple) else (states,)
    return y[:, -1] if last else y, *(state[0] for state in states)
''',
    "Recurrent": '''
class Recurrent(nn.Module):
    """A cell, moment after moment: (batch, time, ...), states -> outputs, *last states."""

    def __init__(self, cell, *sizes, reverse=False, last=False):
        super().__init__()
        self.cell, self.sizes, self.reverse, self.last = cell, sizes, reverse, last

    def forward(self, x, *states):
        states = states or [x.new_zeros(len(x), *size) for size in self.sizes]
        outputs = []
        for moment in reversed(x.unbind(1)) if self.reverse else x.unbind(1):
            y, *states = self.cell(moment, *states)
            outputs.append(y)
        return y if self.last else torch.stack(outputs, 1), *states
''',
    "MaskedRecurrent": '''
class MaskedRecurrent(Recurrent):
    """Where the mask is False, states stay, and outputs stay or are zero."""

    def __init__(self, cell, *sizes, zeros=False, **options):
        super().__init__(cell, *sizes, **options)
        self.zeros = zeros

    def forward(self, x, mask, *states):
        states = states or [x.new_zeros(len(x), *size) for size in self.sizes]
        outputs, y = [], None
        moments = [*zip(x.unbind(1), mask.unbind(1))]
        for moment, keep in reversed(moments) if self.reverse else moments:
            keep = keep.reshape(-1, *[1] * (moment.dim() - 1))
            new, *found = self.cell(moment, *states)
            y = torch.where(keep, new, torch.zeros_like(new) if y is None or self.zeros else y)
            states = [torch.where(keep, s, old) for s, old in zip(found, states)]
            outputs.append(y)
        return y if self.last else torch.stack(outputs, 1), *states
''',
    "Stateful": '''
class Stateful(nn.Module):
    """A recurrence that begins where its last call ended."""

    def __init__(self, inner, *shapes):
        super().__init__()
        self.inner, self.names = inner, [f"state{i}" for i in range(len(shapes))]
        for name, shape in zip(self.names, shapes):
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, *given):
        y, *states = self.inner(*given, *(getattr(self, name) for name in self.names))
        for name, state in zip(self.names, states):
            setattr(self, name, state.detach())
        return y, *states

    def reset_state(self):
        for name in self.names:
            setattr(self, name, torch.zeros_like(getattr(self, name)))
''',
    "LSTMStep": '''
class LSTMStep(nn.LSTMCell):
    """x, h, c -> outputs, h, c."""

    def __init__(self, size, units, bias=True):
        super().__init__(size, units, bias)
        if bias:
            self.bias_hh.requires_grad_(False)  # the other bias is all

    def forward(self, x, h, c):
        h, c = super().forward(x, (h, c))
        return h, h, c
''',
    "GRUStep": '''
class GRUStep(nn.GRUCell):
    """x, h -> outputs, h."""

    def forward(self, x, h):
        h = super().forward(x, h)
        return h, h
''',
    "RNNStep": '''
class RNNStep(nn.RNNCell):
    """x, h -> outputs, h."""

    def __init__(self, size, units, bias=True, nonlinearity="tanh"):
        super().__init__(size, units, bias, nonlinearity)
        if bias:
            self.bias_hh.requires_grad_(False)  # the other bias is all

    def forward(self, x, h):
        h = super().forward(x, h)
        return h, h
''',
    "with_both_states": '''
def with_both_states(result, last=False):
    """(outputs, states of the one direction, of the other) of a module for both."""
    y, states = result
    states = states if isinstance(states, tuple) else (states,)
    y = torch.cat(tuple(states[0]), dim=-1) if last else y
    return y, *(state[i] for i in (0, 1) for state in states)
''',
    "both_ends": '''
def both_ends(result):
    """The last outputs of both directions, side by side."""
    _, states = result
    h = states[0] if isinstance(states, tuple) else states
    return torch.cat(tuple(h), dim=-1)
''',
}
