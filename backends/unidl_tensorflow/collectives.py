"""Collectives of TensorFlow, those of a MultiWorkerMirroredStrategy with one device a process."""

from __future__ import annotations

import json
import os

import numpy as np

from unidl.backend import contract
from unidl.backend.errors import JoinError
from unidl_tensorflow.load import tf


class _World:
    strategy = None
    options = None


def _told(addresses, count, number):
    """Put the cluster where TensorFlow looks for it; (processes, number of this one)."""
    if addresses:
        if len(addresses) != count:
            raise JoinError(
                f"TensorFlow asks for an address of each of the {count} processes, got "
                f"{len(addresses)}: {', '.join(addresses)}."
            )
        task = {"type": "worker", "index": number}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
    try:
        config = json.loads(os.environ.get("TF_CONFIG", ""))
        found = len(config["cluster"]["worker"]), int(config["task"]["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise JoinError.without_launcher("TF_CONFIG") from error
    return found


def _over_all(function):
    """function(context of a replica)(x), in the context of this process' only replica."""

    def run(x):
        return _World.strategy.run(
            lambda y: function(tf.distribute.get_replica_context(), y), args=(x,)
        )

    return run


_summed = _over_all(
    # An operation of the graph that is here, since a constant has no place to be reduced to.
    lambda context, x: context.all_reduce(
        tf.distribute.ReduceOp.SUM, tf.identity(x), _World.options
    )
)
_stacked = _over_all(
    lambda context, x: context.all_gather(tf.expand_dims(x, 0), axis=0, options=_World.options)
)


@tf.custom_gradient
def _all_reduce(x):
    return _summed(x), _all_reduce


class Collectives(contract.Collectives):
    sums_in = ("bfloat16",)

    def join_processes(self, addresses, count, number, timeout):
        found = _told(addresses, count, number)
        JoinError.check("TF_CONFIG", found, (count, number))
        options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=timeout)
        try:
            _World.strategy = tf.distribute.MultiWorkerMirroredStrategy(
                communication_options=options
            )
        except RuntimeError as error:  # it has computed something already
            raise JoinError(
                f"TensorFlow joins other processes before it computes anything: {error} Call "
                "unidl.distribution.initialize() first."
            ) from error
        _World.options = options
        self.num_processes, self.process_id = found

    def all_reduce(self, x):
        return x if _World.strategy is None else _all_reduce(x)

    def gather_bytes(self, own):
        return _stacked(tf.constant(own.astype(np.int32))).numpy().astype(np.uint8)
