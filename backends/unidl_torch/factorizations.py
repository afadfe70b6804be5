"""LU factors by LAPACK, through torch."""

from __future__ import annotations

import torch

from unidl.backend import contract


class Factorizations(contract.Factorizations):
    def lu_factor(self, x):
        lu, pivots = torch.linalg.lu_factor(x)
        return lu, pivots - 1
