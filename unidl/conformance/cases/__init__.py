"""The tables of cases, one module a concern."""

from unidl.conformance.cases import (
    functions_control,
    functions_conv,
    functions_elementwise,
    functions_execution,
    functions_indexing,
    functions_nn,
    functions_products,
    functions_public,
    functions_random,
    functions_recurrent,
    functions_reductions,
    functions_shaping,
    functions_special,
    functions_updates,
)
from unidl.conformance.cases.layers import LAYER_CASES
from unidl.conformance.layer_case import LayerProgramCase

_MODULES = (
    functions_elementwise,
    functions_reductions,
    functions_shaping,
    functions_indexing,
    functions_products,
    functions_nn,
    functions_conv,
    functions_recurrent,
    functions_random,
    functions_updates,
    functions_execution,
    functions_public,
    functions_special,
    functions_control,
)

FUNCTION_CASES = [case for module in _MODULES for case in module.CASES]
LAYERS_AS_CASES = [LayerProgramCase(row) for row in LAYER_CASES]
ALL_CASES = [*FUNCTION_CASES, *LAYERS_AS_CASES]
