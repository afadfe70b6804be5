"""Weights split over processes: torch.distributed gathers their parts."""

from __future__ import annotations

from datetime import timedelta

import torch
import torch.distributed as dist

from unidl.backend import contract
from unidl_torch.collectives import World, waiting


class Sharding(contract.Sharding):
    splits_weights = True
    _groups = None  # {numbers of processes: the engine's name for them}

    def own_part(self, x, split):
        part = x.detach()[split.place_of(self.process_id)]
        return part.clone(memory_format=torch.contiguous_format)

    def whole(self, part, split):
        part = part.detach().contiguous()
        if self.num_processes == 1:
            return part
        members, group = self._group_of(split)
        parts = part.new_empty((len(members), *part.shape))
        with waiting("whole"):
            dist.all_gather(list(parts), part, group)
        found = part.new_empty(split.shape)
        for number, received in zip(members, parts, strict=True):
            found[split.place_of(number)] = received
        return found

    def _group_of(self, split):
        """(numbers, group) of the processes that together with this one hold every part once."""
        if self._groups is None:
            self._groups = {}
        for numbers in map(tuple, split.groups):  # by all processes, in the same order
            if numbers not in self._groups:
                timeout = timedelta(seconds=World.timeout)
                self._groups[numbers] = dist.new_group(list(numbers), timeout=timeout)
        found = next(n for n in map(tuple, split.groups) if self.process_id in n)
        return found, self._groups[found]
