"""Losses of torch's DTensors on two processes, against plain tensors: values, gradients, and how they are spread."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.backend("torch")

SCRIPT = """
    import dataclasses, os, sys
    import torch
    from torch import distributed
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Partial, Shard, distribute_tensor
    import arraylosses as al
    from tests.cases import DEFAULTS

    torch.set_num_threads(1)
    rank, store = int(sys.argv[1]), sys.argv[2]
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))

    def spread(x, axis=0):
        return distribute_tensor(x, mesh, [Shard(axis)])

    def compare(loss, arrays, axes=None):
        split = [spread(x, axis) for x, axis in zip(arrays, axes or [0] * len(arrays), strict=True)]
        whole = [x.clone() for x in arrays]
        for given in (split, whole):
            given[0].requires_grad_()
        found, expected = loss(*split), loss(*whole)
        torch.testing.assert_close(found.full_tensor(), expected)
        found.sum().backward()
        expected.sum().backward()
        torch.testing.assert_close(split[0].grad.full_tensor(), whole[0].grad)
        return found.placements[0], split[0].grad.placements[0]

    def run():
        for case in DEFAULTS:
            arrays = [torch.tensor(x) for x in case.inputs(seed=1)]
            for reduction, placement in (("mean", Partial("sum")), ("none", Shard(0))):
                found = compare(dataclasses.replace(case.loss, reduction=reduction), arrays)
                assert found == (placement, Shard(0)), (case, reduction, found)
        generator = torch.Generator().manual_seed(0)
        logits = torch.randn(6, 4, dtype=torch.float64, generator=generator)
        labels = torch.randint(0, 4, (6,), generator=generator)
        for given in ([1.0, 2.0, 0.5, 3.0], torch.tensor([1.0, 2.0, 0.5, 3.0])):
            compare(al.CrossEntropy(class_weight=given), (logits, labels))
        # the classes on two devices
        found = compare(al.CrossEntropy(), (logits, logits.flip(0).softmax(-1)), (1, 1))
        assert found[1] == Shard(1), found

    run()
    distributed.barrier()
    distributed.destroy_process_group()
    os._exit(0)  # threads of gloo, which outlive the group at times, abort a process that ends in another manner
"""


def test_on_a_mesh_of_two_processes(tmp_path):
    torch = pytest.importorskip("torch")
    if not torch.distributed.is_available():
        pytest.skip("this build of torch has no distributed package")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SCRIPT), str(rank), str(tmp_path / "store")],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=300)[1] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], errors[0][-3000:]
