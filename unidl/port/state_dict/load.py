"""`load_state_dict`: numbers of a network that was written again by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from unidl.port.errors import PortError
from unidl.port.state_dict.files import Given, Grouped, grouped, taken
from unidl.port.state_dict.fitting import Fit, fit, wanted
from unidl.port.state_dict.flow import Flow, flow_of
from unidl.port.state_dict.matching import Matching
from unidl.port.state_dict.naming import Naming
from unidl.port.state_dict.places import Place, places_of, without_model
from unidl.port.state_dict.result import Loaded, Match
from unidl.port.state_dict.silent import listed, silent

Names = Mapping[str, str] | Callable[[str], str | None]
_NOTHING_CHANGED = "is not loaded. Nothing has been changed"


def load_state_dict(
    model: Any,
    state: str | os.PathLike[str] | Mapping[str, Any],
    strict: bool = True,
    names: Names | None = None,
) -> Loaded:
    """Set the weights of `model` from a state dict of another framework, for the same network
    written by hand in unidl.

    Modules and layers are matched by their names where these agree, else by shapes, else by what
    comes before them; layers of equal shapes in the order of the file. The result tells which, why,
    and what computes otherwise in silence. Kernels are transposed, gates put into unidl's order,
    and rows behind a flattened image into the order of channels last. Either all is assigned or
    nothing.

    Args:
        model: a built Model or Layer.
        state: a dict {name: array}, such as a module's `state_dict()` or a block's
            `collect_params()`; or the path of a `.pt`, `.pth`, `.bin`, `.ckpt`, `.safetensors` or
            `.params` file, from which no code is run.
        strict: whether it is an error if a layer, or an array, is left over.
        names: {path or name of a layer: path of its module in the file}, or a function from the one
            to the other or None, for what shapes and order do not tell.

    Raises:
        PortError: with everything that does not match, if `strict`; or what of `names` is wrong.
        ValueError: the file is damaged, or holds more than arrays; the model is not built.

    Examples:
        >>> import torch
        >>> module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Linear(8, 3))
        >>> model = unidl.Sequential(
        ...     [unidl.Input((4, 4, 1)), unidl.layers.Conv2D(2, 3), unidl.layers.Flatten(),
        ...      unidl.layers.Dense(3, name="head")], name="net"
        ... )
        >>> found = unidl.port.load_state_dict(model, module.state_dict())
        >>> found.names["1.weight"]
        'net/head/kernel'
        >>> print(found.warnings[0])
        head: its rows are put in another order: the image before is flattened with channels last \
here, and with channels first in torch
    """
    weights = getattr(model, "weights", None)
    if not weights or not all(layer.built for layer in model._flatten_layers()):
        raise ValueError(
            f"load_state_dict: {getattr(model, 'name', model)!r} has no weights yet. Build it "
            "first: call it on a batch, or model.build(input_shape)."
        )
    given = taken(state)
    flow = flow_of(model)
    ways = [(_places(model, each, flow), each) for each in grouped(given.arrays)]
    # The same names may mean something in several frameworks: they are those of the one where
    # the fewest layers find no arrays, and of where they come from if that makes no difference.
    places, found = min(
        ways,
        key=lambda way: (_without(*way), len(way[1].groups), _unlikely(way[1], given)),
    )
    loader = _Loader(model, given, found, flow, places)
    if names is not None:
        loader.take_names(names)
    result = loader.result()
    problems = [*result.unmatched_layers, *result.unmatched_arrays]
    if strict and problems:
        if result.matched:
            count = len(result.matched)
            problems.append(("", f"strict=False loads what matches, {count} layers of it"))
        raise PortError(model.name, problems, _NOTHING_CHANGED)
    _assign(result, given)
    return result


def _places(model: Any, found: Grouped, flow: Flow) -> list[Place]:
    """The places, for each attention in the way that the file has it."""
    places: list[Place] = []
    for place in places_of(model, flow.flat):
        ways = [[place], *place.alternatives]
        fitting = (way for way in ways if all(_fits_any(each, found) for each in way))
        places += next(fitting, ways[-1])
    for place in places:
        place.path = without_model(place.path, model)
    return places


def _unlikely(found: Grouped, given: Given) -> tuple[bool, bool]:
    return found.source != given.source, not found.naming.is_common


def _without(places: list[Place], found: Grouped) -> int:
    return sum(not _fits_any(place, found) for place in places)


def _fits_any(place: Place, found: Grouped) -> bool:
    return any(isinstance(fit(place, group, found.naming), Fit) for group in found.groups)


class _Loader:
    """Matches, and says what was matched."""

    def __init__(
        self, model: Any, given: Given, found: Grouped, flow: Flow, places: list[Place]
    ) -> None:
        self._model, self._given, self._found = model, given, found
        self._flow, self._places = flow, places
        self._fits: dict[tuple[int, int], Fit] = {}
        self._reasons: dict[tuple[int, int], str] = {}
        halves = any(group.is_reversed for group in found.groups)
        for p, place in enumerate(places):
            for g, group in enumerate(found.groups):
                if halves and place.is_reversed != group.is_reversed:
                    continue
                each = fit(place, group, found.naming)
                if isinstance(each, Fit):
                    self._fits[p, g] = each
                else:
                    self._reasons[p, g] = each
        self._matching = Matching(places, found.groups, self._fits, flow, given.is_ordered)

    def take_names(self, names: Names) -> None:
        wrong = []
        modules = {group.path: g for g, group in enumerate(self._found.groups)}
        pairs = names.items() if isinstance(names, Mapping) else self._asked(names)
        for path, module in pairs:
            places = [p for p, place in enumerate(self._places) if _is_called(place, path)]
            if len(places) != 1:
                which = "no layer" if not places else f"{len(places)} layers"
                wrong.append((path, f"{which} of the model that has weights is called so"))
            elif module not in modules:
                wrong.append((path, f"the file has no module {module!r}"))
            elif (places[0], modules[module]) not in self._fits:
                reason = self._reasons.get((places[0], modules[module]), "it goes backwards")
                wrong.append((path, f"{module} does not fit: {reason}"))
            else:
                self._matching.give(places[0], modules[module])
        if wrong:
            raise PortError(self._model.name, wrong, _NOTHING_CHANGED)

    def _asked(self, names: Callable[[str], str | None]) -> list[tuple[str, str]]:
        answers = [(place.path, names(place.path)) for place in self._places]
        return [(path, module) for path, module in answers if module is not None]

    def result(self) -> Loaded:
        matching, naming = self._matching, self._found.naming
        matching.run()
        found = Loaded(warnings=[*self._given.notes, *self._flow.warnings])
        for p, pair in sorted(matching.pairs.items()):
            module, fitting = self._found.groups[pair.group], self._fits[p, pair.group]
            found.matched.append(Match(self._places[p].path, module.path, pair.how))
            found.weights += fitting.weights
            for name in fitting.neutral:
                found.ignored[name] = self._given.arrays[name]
                found.warnings.append(
                    f"{self._places[p].path} has no weight for {name}, which is neutral, and "
                    "would be trained there"
                )
        self._add_unmatched(found)
        guessed = [m.layer for m in found.matched if m.how in ("next", "order", "numbers")]
        if guessed:
            found.warnings.append(
                f"{listed(guessed)}: others have the same shapes, and the order of the file told "
                "which is which; names= tells it for certain"
            )
        matched = [self._places[p] for p in sorted(matching.pairs)]
        found.warnings += silent(self._model, matched, naming)
        return found

    def _add_unmatched(self, found: Loaded) -> None:
        matching, naming = self._matching, self._found.naming
        taken = {pair.group for pair in matching.pairs.values()}
        left = [g for g in range(len(self._found.groups)) if g not in taken]
        used = {name for weight in found.weights for name in weight.names}
        for name in self._found.ignored:
            found.ignored[name] = self._given.arrays[name]
        for p, place in enumerate(self._places):
            if p not in matching.pairs:
                reason = matching.unclear.get(p) or self._nearest(p, left, naming)
                found.unmatched_layers.append((place.path, reason))
        for g in left:
            for name in self._found.groups[g].names.values():
                if self._is_again(name, used):
                    found.ignored[name] = self._given.arrays[name]
                    continue
                shape = self._given.arrays[name].shape
                why = f"no layer is left that fits its shape {shape}"
                if any(g in matching.candidates(p) for p in matching.unclear):
                    why = f"several layers fit its shape {shape} alike"
                found.unmatched_arrays.append((name, why))

    def _is_again(self, name: str, used: set[str]) -> bool:
        """Whether an array is one of those that are used, under a second name."""
        array, arrays = self._given.arrays[name], self._given.arrays
        return any(
            arrays[other].shape == array.shape and np.array_equal(arrays[other], array)
            for other in used
            if array.size > 1 and arrays[other].ndim > 1
        )

    def _nearest(self, p: int, left: list[int], naming: Naming) -> str:
        """What the layer wants, and how the module that is most like it differs."""
        place = self._places[p]
        text = f"it takes {wanted(place, naming)}"
        if place.note:
            text += f" under its own name ({place.note})"
        names = {
            name for form in naming.forms(place.family) for s in form.values() for name in s.names
        }
        alike = [
            g for g in left if (p, g) in self._reasons and names & set(self._found.groups[g].arrays)
        ]
        if alike:
            nearest = min(alike, key=lambda g: (self._reasons[p, g].startswith("its"), abs(g - p)))
            text += f"; {self._found.groups[nearest].path}: {self._reasons[p, nearest]}"
        return text


def _is_called(place: Place, path: str) -> bool:
    return path in (place.path, place.layer.name)


def _assign(result: Loaded, given: Given) -> None:
    """The new numbers, whose shapes are known to fit; one after the other, since all together are
    as much memory as the model."""
    for weight in result.weights:
        value = weight.converted(given.arrays)
        weight.variable.assign(value.astype(str(weight.variable.dtype), copy=False))
