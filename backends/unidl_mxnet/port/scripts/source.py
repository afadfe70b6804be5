"""`mxnet`: networks, losses, data and training of Gluon, and functions of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst
from libcst import matchers as m

from unidl.port.scripts.blocks import gone
from unidl.port.scripts.calls import bound, code, expression
from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.source import NotPorted, Source
from unidl_mxnet.port.scripts import clipping
from unidl_mxnet.port.scripts.facts import BLOCKS, Facts
from unidl_mxnet.port.scripts.functions import METHODS, OTHER_METHODS, array_call
from unidl_mxnet.port.scripts.initializers import initializer
from unidl_mxnet.port.scripts.layers import UNKNOWN, layer, tied_dense
from unidl_mxnet.port.scripts.recurrent import SEVERAL_LENGTHS, forget_bias, recurrent
from unidl_mxnet.port.scripts.training import is_record, optimizer, port_steps

_PACKAGES = {
    "gluon", "gluon.nn", "gluon.rnn", "gluon.loss", "gluon.data", "gluon.data.vision", "nd",
    "ndarray", "nd.random", "ndarray.random", "autograd", "init", "initializer", "metric", "random",
    "gluon.data.vision.transforms", "gluon.block", "gluon.metric", "gluon.utils", "context",
}  # fmt: skip
_LOSSES = {
    "SoftmaxCrossEntropyLoss": "gluon_softmax_cross_entropy",
    "SoftmaxCELoss": "gluon_softmax_cross_entropy",
    "L2Loss": "gluon_l2_loss",
    "L1Loss": "gluon_l1_loss",
    "HuberLoss": "gluon_huber_loss",
    "SigmoidBinaryCrossEntropyLoss": "gluon_sigmoid_cross_entropy",
    "SigmoidBCELoss": "gluon_sigmoid_cross_entropy",
}
_TRANSFORMS = {
    "ToTensor": "gluon_to_tensor",
    "Normalize": "gluon_normalize",
    "Compose": "gluon_compose",
}
_METRICS = {"Accuracy": "GluonAccuracy", "Loss": "GluonMeanMetric", "Perplexity": "GluonPerplexity"}
_ADVICE = {
    "gluon.rnn": "layers and cells are ported where they are called. Write the call here, or a "
    "unidl.layers.Layer for a class of your own",
    "gluon.data.vision": "of data sets MNIST is ported. Load others into NumPy arrays",
    "gluon.model_zoo": "build the model in unidl, or bring one in with unidl.port.from_gluon",
    "gluon.utils.clip_global_norm": clipping.ADVICE,
    "gluon.utils": "training on several devices comes later",
    "gpu": 'devices belong to the backend. Write `with unidl.device("gpu:0"):`',
    "autograd": "write unidl.value_and_grad",
    "sym": "symbols are not ported. Write unidl.Model(inputs, outputs)",
    "symbol": "symbols are not ported. Write unidl.Model(inputs, outputs)",
    "mod": "modules are not ported. Write unidl.Model and fit",
    "io": "write NumPy arrays, which fit takes",
    "image": "write unidl.utils.load_img",
    "lr_scheduler": "write one of unidl.optimizers.schedules",
    "np": "of arrays the functions of mx.nd are ported. Write unidl.ops",
    "npx": "of arrays the functions of mx.nd are ported. Write unidl.ops",
}
_OTHER_PIECES = (
    "gluon_mean", "gluon_dense_softmax_cross_entropy", "gluon_mnist", "GluonDataset",
    "GluonTransformed", "GluonLoader", "GluonTwoBiases", "GluonRNN", "GluonCell", "GluonCellStack",
    "gluon_clip_global_norm", "GluonTiedDense",
)  # fmt: skip
# Methods of Gluon's objects that no other object has.
_UNKNOWN_METHODS = {
    "attach_grad": "write unidl.Variable(x) and unidl.value_and_grad",
    "collect_params": "write .trainable_variables or .weights",
    "save_parameters": 'write .save_weights("name.weights.h5")',
    "load_parameters": 'write .load_weights("name.weights.h5"); the MXNet file reads '
    "unidl.port.from_gluon",
    "export": 'write .save("name.keras")',
    "split_and_load": "training on several devices comes later",
}


class GluonSource(Source):
    roots = ("mxnet",)
    pieces = frozenset(
        {*_LOSSES.values(), *_TRANSFORMS.values(), *_METRICS.values(), *_OTHER_PIECES}
    )
    facts: Facts

    def prepare(self, rewriter: Rewriter, module: cst.Module) -> None:
        self.facts = Facts(rewriter.names.full, rewriter.is_piece)
        self.facts.learn(module)
        self._composites: list[tuple[cst.BaseExpression, list[str]]] = []
        self._flat: set[str] = set()
        self._in_record = 0

    def target(self, full: str) -> str | None:
        name = full.partition(".")[2]
        if not name or name in _PACKAGES:
            return None
        last = name.rpartition(".")[2]
        if name.startswith("gluon.") and last in BLOCKS:
            return "Model"
        if name.startswith("gluon.") and last in ("Sequential", "HybridSequential"):
            return "Sequential"
        for length in range(name.count(".") + 1, 0, -1):
            advice = _ADVICE.get(".".join(name.split(".")[:length]))
            if advice:
                raise NotPorted(advice)
        raise NotPorted("without a counterpart of the same meaning")

    def reference(self, full: str) -> str | None:
        if full.startswith("mxnet.gluon.") and full.rpartition(".")[2] == "HybridSequential":
            return "unidl.Sequential"
        if full.startswith("mxnet.gluon.") and full.rpartition(".")[2] in BLOCKS:
            return "unidl.Model"
        if full.startswith(("mxnet.nd.", "mxnet.ndarray.")):
            return _AS_VALUES.get(full.rpartition(".")[2])
        return None

    def call(self, full: str, node: cst.Call, rewriter: Rewriter) -> cst.BaseExpression | None:
        name = full.partition(".")[2]
        home, _, last = name.rpartition(".")
        if name.startswith("gluon.") and last in ("Sequential", "HybridSequential"):
            bound(node, ["prefix", "params"], full)
            return expression("unidl.Sequential()")
        if home == "gluon.nn":
            return self._layer(last, node, rewriter)
        if home in ("nd", "ndarray"):
            return array_call(last, node)
        if home in ("nd.random", "ndarray.random"):
            return array_call(f"random.{last}", node)
        if home == "gluon.rnn":
            piece, text = recurrent(last, node, self.facts.initial)
            rewriter.need(piece, _RECURRENT_PRELUDE)
            return expression(text)
        if home in ("init", "initializer"):
            return forget_bias(node) if last == "LSTMBias" else expression(initializer(node))
        if home == "gluon.loss" and last in _LOSSES:
            return self._loss(last, node, rewriter)
        if home in ("metric", "gluon.metric") and last in _METRICS:
            rewriter.need(_METRICS[last], _PRELUDE)
            return node.with_changes(func=cst.Name(_METRICS[last]))
        if name == "gluon.Trainer":
            return optimizer(node)
        if home == "gluon.data" and last == "ArrayDataset":
            rewriter.need("GluonDataset", _PRELUDE)
            return node.with_changes(func=cst.Name("GluonDataset"))
        if home == "gluon.data" and last == "DataLoader":
            return _loader(node, rewriter)
        if name == "gluon.data.vision.MNIST":
            return _mnist(node, rewriter)
        if home == "gluon.data.vision.transforms" and last in _TRANSFORMS:
            made = cst.Name(_TRANSFORMS[last])
            rewriter.need(made.value, _PRELUDE)
            return made if last == "ToTensor" else node.with_changes(func=made)
        if name in ("random.seed", "nd.random.seed"):
            (seed,) = bound(node, ["seed_state"], full).values()
            return expression(f"unidl.utils.set_random_seed({code(seed)})")
        if full in _NO_GRADIENTS:
            return node  # its block falls away
        if name == "cpu":
            return expression('"cpu:0"')
        return None

    def method(
        self, node: cst.Call, updated: cst.Call, rewriter: Rewriter
    ) -> cst.BaseExpression | None:
        owner = updated.func.value if isinstance(updated.func, cst.Attribute) else None
        called = code(node.func)
        if self._in_record and called in self.facts.networks:
            if "training" in _keywords(node):
                return None
            made: Any = expression(f"f({', '.join([*map(_bare, updated.args), 'training=True'])})")
            return updated.with_changes(args=made.args)
        if owner is None or not isinstance(node.func, cst.Attribute):
            return None
        if node in self.facts.starts:
            return _without(updated, ("prefix", "params"))
        name = node.func.attr.value
        if code(node.func.value) in self.facts.functions:
            rewriter.count_call()
            return array_call(name, updated)
        if name in _UNKNOWN_METHODS:
            rewriter.count_call()
            if name == "collect_params" and rewriter.is_within(node, self._taken):
                return None
            raise NotPorted(_UNKNOWN_METHODS[name])
        if name == "unroll" and "valid_length" in _keywords(node):
            rewriter.count_call()
            raise NotPorted(SEVERAL_LENGTHS)
        if name in ("asnumpy", "asscalar") and not node.args:
            rewriter.count_call()
            ending = ".item()" if name == "asscalar" else ""
            return expression(f"unidl.ops.convert_to_numpy({code(owner)}){ending}")
        if name == "detach" and not node.args:
            rewriter.count_call()
            return array_call(name, _with_first(owner, updated))
        if name in ("as_in_context", "as_in_ctx"):
            rewriter.count_call()
            return owner
        if name in OTHER_METHODS and self.facts.makes_tensor(node.func.value):
            rewriter.count_call()
            raise NotPorted("a method that tensors of unidl do not have. Write it with unidl.ops")
        if name in METHODS and self.facts.makes_tensor(node.func.value):
            rewriter.count_call()
            return array_call(name, _with_first(owner, updated))
        return None

    def attribute(self, node: cst.Attribute, updated: cst.Attribute) -> cst.BaseExpression | None:
        if node.attr.value == "size" and self.facts.makes_tensor(node.value):
            return expression(f"unidl.ops.size({code(updated.value)})")
        of_block = node in self.facts.own or code(node.value) in self.facts.networks
        if of_block and node.attr.value in self.facts.taken:
            return updated.with_changes(attr=cst.Name(f"own_{node.attr.value}"))
        if node.attr.value in ("context", "ctx") and self.facts.makes_tensor(node.value):
            return cst.Name("None")  # what is made with it needs no device
        if node.attr.value == "T" and self.facts.makes_tensor(node.value):
            return expression(f"unidl.ops.transpose({code(updated.value)})")
        return None

    def block(self, body: Sequence[Any], rewriter: Rewriter) -> None:
        self._flat = set()
        port_steps(body, rewriter, self.facts)

    def enter(self, node: cst.CSTNode, rewriter: Rewriter) -> None:
        self._in_record += is_record(node, rewriter)

    def statement(self, node: cst.CSTNode, updated: Any, rewriter: Rewriter) -> Any:
        if isinstance(node, cst.FunctionDef) and isinstance(updated, cst.FunctionDef):
            return self._forward(node, updated)
        if isinstance(node, cst.With) and isinstance(updated, cst.With):
            return self._with(node, updated, rewriter)
        if isinstance(node, cst.For) and code(node.iter) in self.facts.sequences:
            return updated.with_changes(iter=expression(f"{code(updated.iter)}.layers"))
        if isinstance(node, cst.SimpleStatementLine):
            self._refuse_places(node, rewriter)
        if isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1:
            small = node.body[0]
            if isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
                return self._line(small.value, updated, rewriter)
        return updated

    def _refuse_places(self, node: cst.SimpleStatementLine, rewriter: Rewriter) -> None:
        for found in m.findall(node, m.Subscript() | m.Call(m.Name("len"), [m.Arg()])):
            place: Any = found
            whole = code(place.value if m.matches(place, m.Subscript()) else place.args[0].value)
            if whole in self.facts.sequences:
                reason = f"a Sequential is no list in unidl. Write {whole}.layers, in which layers "
                rewriter.keep(code(place), f"{reason}that flatten have a place too", node)

    def leave(self, node: cst.CSTNode, rewriter: Rewriter) -> None:
        self._in_record -= is_record(node, rewriter)

    def _layer(self, name: str, node: cst.Call, rewriter: Rewriter) -> cst.BaseExpression:
        tied = tied_dense(node, self.facts.embeddings) if name == "Dense" else None
        if tied is not None:
            rewriter.need("GluonTiedDense", _PRELUDE)
        made = tied or layer(name, node, self.facts.initial)
        if len(made) == 1:
            return expression(made[0])
        whole = expression(f"unidl.Sequential([{', '.join(made)}])")
        self._composites.append((whole, made))
        return whole

    def _loss(self, name: str, node: cst.Call, rewriter: Rewriter) -> cst.BaseExpression:
        parameters = ["axis", "sparse_label", "from_logits", "weight", "batch_axis"]
        given = {
            key: code(value)
            for key, value in bound(
                node, parameters if name.startswith("Softmax") else ["weight", "batch_axis"], name
            ).items()
        }
        function = _LOSSES[name]
        if given.pop("sparse_label", "True") == "False":
            function = "gluon_dense_softmax_cross_entropy"
        usual = {"axis": "-1", "from_logits": "False", "batch_axis": "0", "weight": "None"}
        for key, value in given.items():
            if usual[key] != value:
                raise NotPorted(f"the argument {key!r} of {name} is not ported")
        rewriter.need(function, _PRELUDE)
        return cst.Name(function)

    def _forward(self, node: cst.FunctionDef, updated: cst.FunctionDef) -> cst.FunctionDef:
        """`hybrid_forward(self, F, x)` and `forward(self, x)` become `call(self, x)`."""
        parameters = list(updated.params.params)
        names = [parameter.name.value for parameter in parameters]
        if node.name.value == "hybrid_forward" and names[1:2] and names[1] in self.facts.functions:
            changed = updated.params.with_changes(params=[parameters[0], *parameters[2:]])
            return updated.with_changes(name=cst.Name("call"), params=changed)
        if node.name.value == "forward" and set(names[1:]) & self.facts.tensors:
            return updated.with_changes(name=cst.Name("call"))
        return updated

    def _with(self, node: cst.With, updated: cst.With, rewriter: Rewriter) -> Any:
        """Blocks that only name things, or say that no gradients are wanted, fall away."""
        item = node.items[0].item
        if not isinstance(item, cst.Call):
            return updated
        full = rewriter.names.full(item.func)
        named = isinstance(item.func, cst.Attribute) and item.func.attr.value == "name_scope"
        if not named and full not in _NO_GRADIENTS:
            return updated
        body: list[Any] = list(updated.body.body)
        if len(node.items) != 1 or not isinstance(updated.body, cst.IndentedBlock):
            raise NotPorted("write the block on lines of its own, with nothing else in its `with`")
        lines = [*updated.leading_lines, *body[0].leading_lines]
        return [body[0].with_changes(leading_lines=lines), *body[1:]]

    def _line(self, call: cst.Call, updated: Any, rewriter: Rewriter) -> Any:
        full = rewriter.names.full(call.func) or ""
        if full in ("mxnet.nd.waitall", "mxnet.ndarray.waitall"):
            return gone(updated)
        if not isinstance(call.func, cst.Attribute) or full:
            return updated
        name, owner = call.func.attr.value, code(call.func.value)
        if name == "set_learning_rate" and owner in self.facts.trainers:
            rewriter.count_call()
            (rate,) = bound(updated.body[0].value, ["lr"], name).values()
            return _instead(updated, f"{owner}.learning_rate = {code(rate)}")
        if name == "allreduce_grads" and owner in self.facts.trainers:
            rewriter.count_call()
            return gone(updated)
        if name in ("hybridize", "initialize", "wait_to_read"):
            known = owner.removesuffix(".collect_params()") in self.facts.networks
            if name == "initialize" and known and self.facts.initial is None:
                raise NotPorted(UNKNOWN)
            if name == "initialize" and "force_reinit" in _keywords(call):
                raise NotPorted("force_reinit: create the network again, with unidl's weights")
            if known or name != "initialize":
                rewriter.count_call()
                return gone(updated)
        if name == "add" and (owner in self.facts.networks or owner == "self"):
            return self._added(owner, updated)
        return updated

    def _added(self, owner: str, updated: Any) -> Any:
        """One line for each layer. Flatten is left out where the layer before is flat."""
        layers: list[str] = []
        for argument in updated.body[0].value.args:
            found = [made for whole, made in self._composites if whole is argument.value]
            layers += found[0] if found else [argument.star + code(argument.value)]
        kept = []
        for one in layers:
            flattens = one.startswith("unidl.layers.Flatten(")
            if not (flattens and owner in self._flat):
                kept.append(one)
            if flattens or one.startswith("unidl.layers.Dense("):
                self._flat.add(owner)
            elif not one.startswith(_AS_FLAT_AS_BEFORE):
                self._flat.discard(owner)
        written = code(updated.body[0].value.func.value)
        lines: list[Any] = [cst.parse_statement(f"{written}.add({one})") for one in kept]
        if not lines:
            return gone(updated)
        lines[0] = lines[0].with_changes(leading_lines=updated.leading_lines)
        lines[-1] = lines[-1].with_changes(trailing_whitespace=updated.trailing_whitespace)
        return lines

    _taken = ("Trainer", "initialize")


# What may be handed on, as in `begin_state(func=nd.zeros)`.
_AS_VALUES = {"zeros": "unidl.ops.zeros", "ones": "unidl.ops.ones"}
_NO_GRADIENTS = ("mxnet.autograd.pause", "mxnet.autograd.predict_mode")
_AS_FLAT_AS_BEFORE = (
    "unidl.layers.Activation(", "unidl.layers.Dropout(", "unidl.layers.BatchNormalization(",
    "unidl.layers.LeakyReLU(", "unidl.layers.ELU(",
)  # fmt: skip
_PRELUDE = "unidl_mxnet.port.scripts.prelude"
_RECURRENT_PRELUDE = "unidl_mxnet.port.scripts.recurrent_prelude"


def _loader(node: cst.Call, rewriter: Rewriter) -> cst.BaseExpression:
    names = [
        "dataset",
        "batch_size",
        "shuffle",
        "sampler",
        "last_batch",
        "num_workers",
        "thread_pool",
    ]
    given = bound(node, names, "gluon.data.DataLoader")
    if "sampler" in given or ("last_batch" in given and "rollover" in code(given["last_batch"])):
        raise NotPorted("samplers and last_batch='rollover' are not ported")
    parts = [code(given["dataset"]), code(given["batch_size"])]
    parts += [f"{key}={code(given[key])}" for key in ("shuffle", "last_batch") if key in given]
    rewriter.need("GluonLoader", _PRELUDE)
    return expression(f"GluonLoader({', '.join(parts)})")


def _mnist(node: cst.Call, rewriter: Rewriter) -> cst.BaseExpression:
    given = bound(node, ["root", "train", "transform"], "gluon.data.vision.MNIST")
    parts = [f"{key}={code(given[key])}" for key in ("train", "transform") if key in given]
    rewriter.need("gluon_mnist", _PRELUDE)
    return expression(f"gluon_mnist({', '.join(parts)})")


def _with_first(owner: cst.BaseExpression, call: cst.Call) -> cst.Call:
    """`x.f(a)` as `f(x, a)`."""
    arguments = ", ".join([code(owner), *map(_bare, call.args)])
    made = expression(f"f({arguments})")
    assert isinstance(made, cst.Call)
    return made


def _without(call: cst.Call, keywords: Sequence[str]) -> cst.Call:
    kept = [one for one in call.args if not one.keyword or one.keyword.value not in keywords]
    if kept:
        kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return call.with_changes(args=kept)


def _keywords(call: cst.Call) -> list[str]:
    return [argument.keyword.value for argument in call.args if argument.keyword]


def _instead(line: Any, text: str) -> Any:
    """The statement `text` with the comments of a line."""
    made: Any = cst.parse_statement(text)
    return made.with_changes(
        leading_lines=line.leading_lines, trailing_whitespace=line.trailing_whitespace
    )


def _bare(argument: cst.Arg) -> str:
    return code(argument.with_changes(comma=cst.MaybeSentinel.DEFAULT)).strip()
