"""The tables of cases, one module a concern."""

from unidl.conformance.cases import (
    functions_control,
    functions_conv,
    functions_elementwise,
    functions_execution,
    functions_indexing,
    functions_large,
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
from unidl.conformance.cases.sixteen_bits import first_of_each, with_sixteen_bits
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
)
_MODULES_WITHOUT_SIXTEEN_BITS = (
    functions_public,
    functions_special,
    functions_control,
    functions_large,
)

FUNCTION_CASES = [
    *with_sixteen_bits([case for module in _MODULES for case in module.CASES]),
    *(case for module in _MODULES_WITHOUT_SIXTEEN_BITS for case in module.CASES),
]
_FIRST_ROWS = first_of_each(LAYER_CASES, lambda row: row.name.partition(",")[0])
LAYERS_AS_CASES = [LayerProgramCase(row, sixteen_bits=row in _FIRST_ROWS) for row in LAYER_CASES]
ALL_CASES = [*FUNCTION_CASES, *LAYERS_AS_CASES]
