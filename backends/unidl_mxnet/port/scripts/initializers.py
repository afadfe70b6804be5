"""Initial weights as Gluon draws them."""

from __future__ import annotations

import libcst as cst

from unidl.port.scripts.calls import bound, code
from unidl.port.scripts.source import NotPorted

GLUONS_OWN = "unidl.initializers.RandomUniform(-0.07, 0.07)"  # of initialize() without arguments
_NAMES = {
    "zeros": '"zeros"',
    "zero": '"zeros"',
    "ones": '"ones"',
    "one": '"ones"',
    "uniform": GLUONS_OWN,
    "normal": "unidl.initializers.RandomNormal(stddev=0.01)",
    "xavier": "unidl.initializers.GlorotUniform()",
}


def initializer(node: cst.BaseExpression) -> str:
    """The code of unidl's for one of MXNet's: a name in quotes, or a call. Raises NotPorted."""
    if code(node).startswith("unidl."):  # ported already
        return code(node)
    if isinstance(node, cst.SimpleString):
        name = code(node).strip("'\"").lower()
        if name not in _NAMES:
            raise NotPorted(f"the initializer {code(node)} has no counterpart in unidl")
        return _NAMES[name]
    function = node.func if isinstance(node, cst.Call) else None
    if not isinstance(node, cst.Call) or not isinstance(function, cst.Attribute | cst.Name):
        raise NotPorted("which initializer it is shows only when the script runs. Write it here")
    name = function.attr.value if isinstance(function, cst.Attribute) else function.value
    if name in ("Zero", "One"):
        return _NAMES[name.lower()]
    if name == "Constant":
        given = bound(node, ["value"], name)
        return f"unidl.initializers.Constant({code(given['value'])})"
    if name == "Uniform":
        scale = bound(node, ["scale"], name).get("scale")
        text = f"({code(scale)})" if isinstance(scale, cst.BinaryOperation) else ""
        text = text or (code(scale) if scale is not None else "0.07")
        return f"unidl.initializers.RandomUniform(-{text}, {text})"
    if name == "Normal":
        sigma = bound(node, ["sigma"], name).get("sigma")
        return f"unidl.initializers.RandomNormal(stddev={code(sigma) if sigma else '0.01'})"
    if name == "Xavier":
        return _xavier(node)
    if name == "MSRAPrelu":
        given = bound(node, ["factor_type", "slope"], name)
        slope = code(given["slope"]) if "slope" in given else "0.25"
        return _scaled(f"2 / (1 + {slope}**2)", given, "gaussian")
    raise NotPorted(f"the initializer {name} has no counterpart in unidl")


def _xavier(node: cst.Call) -> str:
    given = bound(node, ["rnd_type", "factor_type", "magnitude"], "Xavier")
    kind = code(given["rnd_type"]).strip("'\"") if "rnd_type" in given else "uniform"
    magnitude = code(given["magnitude"]) if "magnitude" in given else "3"
    if (kind, magnitude) == ("uniform", "3") and "factor_type" not in given:
        return _NAMES["xavier"]
    return _scaled(magnitude if kind == "gaussian" else f"{magnitude} / 3", given, kind)


def _scaled(scale: str, given: dict[str, cst.BaseExpression], kind: str) -> str:
    factor = code(given["factor_type"]).strip("'\"") if "factor_type" in given else "avg"
    if factor not in ("avg", "in", "out") or kind not in ("uniform", "gaussian"):
        raise NotPorted("which kind of initializer it is shows only when the script runs")
    drawn = "uniform" if kind == "uniform" else "untruncated_normal"
    return f'unidl.initializers.VarianceScaling({scale}, "fan_{factor}", "{drawn}")'
