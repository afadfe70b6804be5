"""Collectives over torch.distributed: NCCL between GPUs, gloo between CPUs."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

from unidl.backend import contract
from unidl.backend.errors import JoinError


class World:
    timeout = None


@contextmanager
def waiting(what):
    """The engine's error of a wait that is over, or of a connection that is lost, as ours."""
    try:
        yield
    except RuntimeError as error:
        told = JoinError.of_waiting(dist.get_rank(), what, World.timeout)
        raise JoinError(f"{told} torch.distributed says: {error}") from error


def _summed(x):
    # The engine sums memory as it lies, which is to be the same in all processes.
    y = x.detach().clone(memory_format=torch.contiguous_format)
    with waiting("all_reduce"):
        dist.all_reduce(y)
    return y


class _AllReduce(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return _summed(x)

    @staticmethod
    def backward(ctx, gradient):
        return _AllReduce.apply(gradient)


def _of_this_start(timeout):
    """Where torchrun says that processes meet, apart from those of earlier starts: it keeps what
    these have left, addresses of processes that are gone."""
    store, rank, count = next(iter(dist.rendezvous("env://", timeout=timeout)))
    start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return {"store": dist.PrefixStore(start, store), "rank": rank, "world_size": count}


def _leave():
    """Its threads would be ended in the middle of something while Python ends."""
    if dist.is_initialized() and not hasattr(sys, "last_value"):
        dist.destroy_process_group()


class Collectives(contract.Collectives):
    sums_in = ("bfloat16",)

    def join_processes(self, addresses, count, number, timeout):
        if not dist.is_available():
            raise JoinError("This build of torch has no torch.distributed. Install another one.")
        if addresses:
            place = {"init_method": f"tcp://{addresses[0]}", "world_size": count, "rank": number}
        elif "RANK" in os.environ and "WORLD_SIZE" in os.environ:
            place = {}
        else:
            raise JoinError.without_launcher("torchrun")
        if not dist.is_initialized():
            engine = "nccl" if torch.cuda.is_available() else "gloo"
            wait = timedelta(seconds=timeout)
            dist.init_process_group(engine, timeout=wait, **(place or _of_this_start(wait)))
            atexit.register(_leave)
        found = dist.get_world_size(), dist.get_rank()
        JoinError.check("torch.distributed", found, (count, number))
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        World.timeout = timeout
        self.num_processes, self.process_id = found

    def all_reduce(self, x):
        return _AllReduce.apply(x) if self.num_processes > 1 else x

    def gather_bytes(self, own):
        device = "cuda" if torch.cuda.is_available() else "cpu"
        sent = torch.from_numpy(own.copy()).to(device)
        received = sent.new_empty((self.num_processes, len(sent)))
        with waiting("all_gather"):
            dist.all_gather(list(received), sent)
        return received.cpu().numpy()
