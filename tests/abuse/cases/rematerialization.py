"""Wrong use of remat and RematScope."""

from __future__ import annotations

import unidl
from tests.abuse.case import told

CASES = [
    told("RematScope('all')", lambda: unidl.RematScope("all"), "mode must be one of 'full'"),
    told("RematScope(layer_names='a')",
         lambda: unidl.RematScope("list_of_layers", layer_names="dense"),
         "must be a list of names", kind=TypeError),
    told("RematScope(output_size_threshold='1')",
         lambda: unidl.RematScope("larger_than", output_size_threshold="1"),
         "must be a number of elements", kind=TypeError),
    told("remat(3)", lambda: unidl.remat(3), "takes a function, a layer or a model",
         kind=TypeError),
]  # fmt: skip
