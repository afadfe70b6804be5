"""What the adapter says about torch as a whole."""

import torch


def test_full_precision_keeps_tf32_off_and_gives_the_switches_back(backend):
    switches = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for given in (True, False):
            for switch in switches:
                switch.allow_tf32 = given
            with backend.full_precision():
                assert [switch.allow_tf32 for switch in switches] == [False, False]
            assert [switch.allow_tf32 for switch in switches] == [given, given]
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value
