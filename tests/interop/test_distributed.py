"""Dask's workers: the loss and the gradient of arrays that are larger than what a worker may hold."""

from __future__ import annotations

import resource

import numpy as np
import pytest

import arraylosses as al

distributed = pytest.importorskip("distributed", reason="distributed is not installed")
da = pytest.importorskip("dask.array")

pytestmark = pytest.mark.backend("dask")

LIMIT = 256 * 2**20
"""Bytes that each of the two workers may hold, the program itself included."""

CHUNKS = 128
SIZE = 4 * LIMIT // (4 * CHUNKS)
"""Of a chunk, such that all together are four times as large in float32."""


def block(shift):
    """Numbers from -3 to 3, the same in each chunk."""
    return np.resize(np.roll(np.linspace(-3, 3, 97, dtype="float32"), shift), SIZE)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.fixture
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit=LIMIT, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_the_loss_and_the_gradient_of_more_than_a_worker_holds(client):
    prediction, target = (
        da.map_blocks(block, shift, chunks=((SIZE,) * CHUNKS,), dtype="float32", meta=np.empty(0, "float32"))
        for shift in (0, 20)
    )
    assert prediction.nbytes == 4 * LIMIT
    value, gradient = al.value_and_grad(al.Huber())(prediction, target)
    assert gradient.chunks == prediction.chunks
    value, least, most = client.compute((value, gradient.min(), gradient.max()), sync=True)
    assert max(client.run(peak).values()) < LIMIT
    error = block(0) - block(20)
    assert np.min(np.abs(error)) > 1
    np.testing.assert_allclose(value, np.mean(np.abs(error) - 0.5), rtol=1e-5)
    np.testing.assert_allclose([least, most], [-1 / prediction.size, 1 / prediction.size], rtol=1e-5)
