"""Apart from the user's model: verify works on a copy, with random numbers, names and `floatx` of
its own.

So whoever uses the model meanwhile, in another thread too, finds it as ever, and an error or an
interrupt leaves nothing to be put back.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager

from unidl.backend.dtypes import floatx, floatx_here
from unidl.layers import Layer
from unidl.models import Model
from unidl.random.seed_generator import global_seed_generator, global_state_here
from unidl.utils import turns
from unidl.utils.naming import names_here
from unidl.verify.copier import Copier

# The oracles that simulate rounding count their draws, for one verification at a time.
_one_at_a_time = threading.RLock()


@contextmanager
def apart(model, caller):
    """`with apart(model, "verify") as copier:` where `copier.copy` is a copy of the model, between
    two of its training steps if another thread trains it."""
    turns.wait()
    of_process = global_seed_generator()
    with _one_at_a_time, global_state_here(), names_here(), floatx_here(floatx()):
        yield _copied(model, caller, of_process)


def _copied(model, caller, of_process):
    found = model._flatten_layers() if isinstance(model, Layer) else []
    models = [layer for layer in found if isinstance(layer, Model)]
    for each in models:
        unmade = not each.built or (each.optimizer is not None and not each.optimizer.built)
        if unmade and each._trains_elsewhere():
            raise RuntimeError(
                f"{caller}: another thread is making the weights of {each._who()}, which it begins "
                "to train. Wait for its first step, or verify before it trains."
            )
    with ExitStack() as until_copied:
        for each in models:
            until_copied.enter_context(each._gate.reading())
        return Copier(model, [(of_process, global_seed_generator())])
