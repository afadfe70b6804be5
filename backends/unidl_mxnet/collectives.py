"""Collectives over MXNet's kvstore, which is asked to carry numbers and never to add them.

Its server adds in the order of arrival and in float32. So each process fills a row of its own in an
array of zeros, where nothing is added to anything, float64 travels as three float32 parts, and the
rows are added here in the order of the processes.
"""

from __future__ import annotations

import atexit
import ctypes
import faulthandler
import os
import sys
import threading
from itertools import count
from typing import ClassVar

import numpy as np

from unidl.backend import contract
from unidl.backend.errors import JoinError
from unidl_mxnet.load import mx
from unidl_mxnet.op import op
from unidl_mxnet.traced import Traced

_NAME = "unidl_all_reduce"
_PARTS = {"float16": 1, "float32": 1, "float64": 3}


class _World:
    store = None
    watch = None
    keys = count()
    of_shape: ClassVar[dict] = {}


class _Watch:
    """Ends the process when it waits for others longer than `timeout` seconds.

    ps-lite waits for ever, in a place where no exception reaches it.
    """

    def __init__(self, timeout):
        self._timeout = timeout
        self._begun, self._ended = threading.Event(), threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self):
        while self._begun.wait():
            if not self._ended.wait(self._timeout):
                number = "?" if _World.store is None else _World.store.rank
                told = JoinError.of_waiting(number, "the kvstore", self._timeout)
                print(f"JoinError: {told}", file=sys.stderr, flush=True)
                faulthandler.dump_traceback()
                os._exit(1)

    def __enter__(self):
        self._ended.clear()
        self._begun.set()

    def __exit__(self, *error):
        self._begun.clear()
        self._ended.set()


def _leave():
    """Give the store back, whose end waits for the other processes unless there was an error."""
    if hasattr(sys, "last_value"):
        mx.base.check_call(
            mx.base._LIB.MXKVStoreSetBarrierBeforeExit(_World.store.handle, ctypes.c_int(0))
        )
    else:
        mx.nd.waitall()
    _World.store = None


def _new_key(shape, parts):
    """A place in the kvstore for arrays of `shape` from each process. All of them make it at once,
    in the same order."""
    key = next(_World.keys)
    store = _World.store
    with _World.watch:
        store.init(key, mx.nd.zeros((store.num_workers, parts, *(shape or (1,)))))
    return key


def _rows(key, array, parts):
    """(processes, *array.shape) of the array's dtype: the array of each process."""
    store = _World.store
    left, split = array, []
    for _ in range(parts):
        split.append(left.astype(np.float32))
        left = left - split[-1]
    sent = np.zeros((store.num_workers, parts, *(array.shape or (1,))), np.float32)
    sent[store.rank] = np.stack(split).reshape(sent.shape[1:])
    received = mx.nd.zeros(sent.shape)
    with _World.watch:
        store.push(key, mx.nd.array(sent))  # a copy: what was pushed is written over by the pull
        store.pull(key, out=received)
        whole = received.asnumpy().astype(array.dtype)
    rows = whole[:, 0]
    for part in range(1, parts):
        rows = rows + whole[:, part]
    return rows.reshape(store.num_workers, *array.shape)


def _summed(key, array):
    rows = _rows(key, array, _PARTS[array.dtype.name])
    total = rows[0]
    for row in rows[1:]:
        total = total + row
    return total


class _Sum(mx.operator.CustomOp):
    def __init__(self, forward_key, backward_key):
        super().__init__()
        self._forward_key, self._backward_key = forward_key, backward_key

    def forward(self, is_train, req, in_data, out_data, aux):
        self._sum(self._forward_key, req, in_data, out_data)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self._sum(self._backward_key, req, out_grad, in_grad)

    def _sum(self, key, req, source, target):
        total = _summed(key, source[0].asnumpy())
        self.assign(target[0], req[0], mx.nd.array(total, dtype=total.dtype))


@mx.operator.register(_NAME)
class _SumProperties(mx.operator.CustomOpProp):
    def __init__(self, forward_key, backward_key):
        super().__init__(need_top_grad=True)
        self._keys = int(forward_key), int(backward_key)

    def infer_shape(self, shapes):
        return shapes, [shapes[0]], []

    def infer_type(self, types):
        return types, [types[0]], []

    def create_operator(self, context, shapes, dtypes):
        return _Sum(*self._keys)


class Collectives(contract.Collectives):
    def join_processes(self, addresses, count, number, timeout):
        if addresses:
            raise JoinError(
                "MXNet's processes find each other through a scheduler, whose address and their "
                "roles are in the environment (DMLC_ROLE, DMLC_PS_ROOT_URI, ...). Start them by "
                "`unidl launch`, and leave out job_addresses."
            )
        if os.environ.get("DMLC_ROLE") != "worker":
            raise JoinError.without_launcher("DMLC_ROLE")
        _World.watch = _Watch(timeout)
        with _World.watch:
            store = mx.kv.create("dist_sync")
        JoinError.check("the scheduler", (store.num_workers, store.rank), (count, number))
        _World.store = store
        # While Python ends, MXNet would take the store's threads for forgotten, and abort.
        atexit.register(_leave)
        self.num_processes, self.process_id = store.num_workers, store.rank

    def all_reduce(self, x):
        if _World.store is None:
            return x
        parts = _PARTS[self.dtype(x)]
        if isinstance(x, Traced) or mx.autograd.is_recording():
            # Operators of a graph run in an order of their own, so each has a place of its own.
            there, back = _new_key(x.shape, parts), _new_key(x.shape, parts)
            return op("Custom", x, op_type=_NAME, forward_key=there, backward_key=back)
        return self.asarray(_summed(self._key(x.shape, parts), self.to_numpy(x)))

    def _key(self, shape, parts):
        if (shape, parts) not in _World.of_shape:
            _World.of_shape[shape, parts] = _new_key(shape, parts)
        return _World.of_shape[shape, parts]

    def gather_bytes(self, own):
        sent = own.astype(np.float32)  # which holds bytes exactly
        return _rows(self._key(sent.shape, 1), sent, 1).astype(np.uint8)
