"""Each batch of a stream against the model, as arrays are checked at once.

A batch in a form (structure, shapes but for the number of rows, dtypes) that was seen before is
only asked for its rows and its values: one pass over each array, microseconds. All else is done
once for each form.
"""

from __future__ import annotations

from contextlib import contextmanager

from unidl import tree
from unidl.training import not_finite
from unidl.training.check import looked_up
from unidl.training.host_batch import PARTS, common_length, is_pair
from unidl.utils.value_tests import below, is_finite

# Of how many forms a stream remembers that they are right.
_FORMS = 256


class StreamCheck:
    """check(number, batch) raises an error that names the number of the batch, from 1 on, and the
    part that is wrong.

    Args:
        model: built.
        caller: "fit", ..., for the messages.
        targets: False if there is only x to look at.
    """

    def __init__(self, model, caller, targets):
        self._model, self._caller, self._targets = model, caller, targets
        self._known = {}
        self._warned = set()

    def __call__(self, number, batch):
        if is_pair(batch):
            x, y, _ = batch
            leaves = x, y
            form = x.shape[1:], x.dtype, y.shape[1:], y.dtype
            even = x.shape[:1] == y.shape[:1] not in ((), (0,))
        else:
            leaves = [leaf for leaf in tree.flatten(batch) if leaf is not None]
            form = tuple(
                (path, None if leaf is None else (leaf.shape[1:], leaf.dtype))
                for path, leaf in tree.flatten_with_path(batch)
            )
            even = all(leaf.ndim for leaf in leaves) and len({len(leaf) for leaf in leaves}) == 1
            even = even and len(leaves[0])
        tests = self._known.get(form) if even else None
        if tests is None:
            with naming(self._caller, number):
                tests = self._look_at(batch, leaves)
            if len(self._known) >= _FORMS:
                self._known.clear()
            self._known[form] = tests
        for position, passes, otherwise in tests:
            if not passes(leaves[position]):
                with naming(self._caller, number):
                    otherwise(number, batch)

    def _look_at(self, batch, leaves):
        """Check a batch in a new form; returns [(position of a leaf, a quick test of its values,
        what to do if it fails)]."""
        model, (x, y, sample_weight) = self._model, batch
        if common_length(batch, None) == 0:
            raise ValueError("it has 0 rows. Leave out empty batches.")
        model._check_form(x)
        tests = [
            (position, is_finite, self._warn_of_nan)
            for position, leaf in enumerate(leaves)
            if leaf.dtype.kind == "f"
        ]
        places = {id(leaf): position for position, leaf in enumerate(leaves)}
        if self._targets:
            model.objective.check(model, x, y, sample_weight)

            def check_targets(number, batch):
                model.objective.check(model, *batch)

            tests += [
                (places[id(target)], passes, check_targets)
                for target, passes in model.objective.quick_tests(model, x, y)
            ]
        for i, (_, array, embedding) in enumerate(looked_up(model, x)):

            def check_indices(number, batch, i=i):
                name, array, embedding = looked_up(model, batch[0])[i]
                embedding.check_indices(array, f"the input {name!r}")

            check_indices(None, batch)
            if array.dtype.kind in "iu":
                tests.append((places[id(array)], below(embedding.input_dim), check_indices))
        return tests

    def _warn_of_nan(self, number, batch):
        for part, structure in zip(PARTS, batch, strict=True):
            bad = not_finite.count(structure)
            if bad and part not in self._warned:
                self._warned.add(part)
                not_finite.warn(f"{self._caller}: batch {number}: {part}", bad)


@contextmanager
def naming(caller, number):
    """Put the number of the batch before the text of an error."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{caller}: batch {number}: {error}") from error
