"""The tables of cases, one module a concern."""

from unidl.conformance.cases import functions_elementwise

FUNCTION_CASES = [case for module in (functions_elementwise,) for case in module.CASES]
