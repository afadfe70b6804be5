"""Long sequences in compiled functions as MXNet's own loop.

Written out, 5,000 moments are a graph that takes the executor an hour to plan: its time grows with
the square of the graph.
"""

from __future__ import annotations

import copy

from unidl.backend import contract
from unidl.backend.frame import current
from unidl.tracing import moments
from unidl_mxnet.load import mx
from unidl_mxnet.traced import Traced, create, current_trace

from mxnet.symbol.contrib import _cut_subgraph  # isort: skip


class Loop(contract.Recurrent):
    def scan(self, step, state, xs, reverse=False):
        """The first moment is always written out: a step that draws random keys or assigns
        Variables shows it there, and is written out for all moments, since each has its own."""
        length = xs[0].shape[0]
        if length <= moments.WRITTEN_OUT or not any(isinstance(t, Traced) for t in (*state, *xs)):
            return super().scan(step, state, xs, reverse)
        xs = [self.flip(x, 0) if reverse else x for x in xs]
        before = current().effects()
        state, y = step(tuple(state), tuple(self.getitem(x, (0,)) for x in xs))
        rest = tuple(self.getitem(x, (slice(1, None),)) for x in xs)
        looped = _loop(self, step, state, rest, y) if current().effects() == before else None
        *state, ys = looped or (*(made := super().scan(step, state, rest))[0], made[1])
        ys = self.concatenate([self.expand_dims(y, 0), ys], 0)
        return tuple(state), self.flip(ys, 0) if reverse else ys


def _loop(B, step, state, xs, y):
    """[*last state, ys] of `step` over `xs`, where the moment before returned `state` and `y`; None
    if a moment does not use all that it is given, which MXNet's loop wants."""
    trace, before = current_trace(), current().effects()
    given = [trace.lift(B.asarray(t)) for t in (*state, *xs)]
    size = len(state)
    specs = [(s.shape, s.dtype) for s in given[:size]], [(x.shape[1:], x.dtype) for x in xs]
    with trace.moment():
        inner = [trace.placeholder(*spec) for part in specs for spec in part]
        new, made = step(tuple(inner[:size]), tuple(inner[size:]))
        made = _own_nodes(B, trace, (made, *new))
    wanted = [(y.shape, y.dtype), *specs[0]]
    problem = moments.difference(before, [(t.shape, t.dtype) for t in made], wanted)
    if problem:
        raise TypeError(f"{problem} Run eagerly (run_eagerly=True).")
    body = mx.sym.Group([t.symbol for t in made], mx.sym.numpy._Symbol)
    # From here on the body has inputs where it used nodes of the graph around it.
    outside = {s.list_outputs()[0]: s for s in _cut_subgraph(body)} | trace.symbols
    body = copy.deepcopy(body)  # which shares no node with that graph
    names, inner = body.list_inputs(), [t.symbol.name for t in inner]
    if not set(inner) <= set(names):
        return None
    places = [names.index(name) for name in inner]
    others = [i for i in range(len(names)) if i not in places]
    attrs = {
        "num_args": 1 + len(names),
        "num_outputs": len(made),
        "num_out_data": 1,
        "in_state_locs": tuple(places[:size]),
        "in_data_locs": tuple(places[size:]),
        "remain_locs": tuple(others),
    }
    symbols = [t.symbol for t in (*given[size:], *given[:size])]
    symbols += [outside[names[i]] for i in others]
    ys, *state = create(
        "_foreach", [body, *symbols], list(attrs), [str(v) for v in attrs.values()], trace.name()
    )
    state = [Traced(s, *spec) for s, spec in zip(state, specs[0], strict=True)]
    return [*state, Traced(ys, (xs[0].shape[0], *y.shape), y.dtype)]


def _own_nodes(B, trace, tensors):
    """The tensors, each a node of the moment and none twice: a copy of what is not."""
    nodes = {}
    for t in (trace.lift(B.asarray(t)) for t in tensors):
        name = t.symbol.name
        if name in nodes or name not in trace.inside or t.node is None:
            trace.inside.add(name)
            t = B.copy(t)
        nodes[t.symbol.name] = t
    return list(nodes.values())
