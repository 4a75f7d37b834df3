"""Arrays of JAX on eight devices, against one: settings of other libraries, explicit meshes, `shard_map`."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.backend("jax")

SCRIPT = """
    import contextlib
    import numpy as np
    import jax
    from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
    import arraylosses as al

    assert len(jax.devices()) == 8
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(16, 5)).astype("float32")
    labels = rng.integers(0, 5, size=16)
    soft = rng.dirichlet(np.ones(5), size=16).astype("float32")
    hidden, matrix = (rng.normal(size=shape).astype("float32") for shape in ((16, 6), (5, 6)))
    bias = rng.normal(size=5).astype("float32")
    per_class = rng.uniform(0.5, 2.0, size=5).astype("float32")
    weight = rng.uniform(0.5, 2.0, size=16).astype("float32")
    auto = jax.make_mesh((8,), ("batch",), axis_types=(AxisType.Auto,))
    explicit = jax.make_mesh((8,), ("batch",), axis_types=(AxisType.Explicit,))

    def on(mesh, x):
        return jax.device_put(x, NamedSharding(mesh, P("batch")))

    def everywhere(mesh, x):
        return jax.device_put(x, NamedSharding(mesh, P()))

    def close(found, expected):
        for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            assert x.shape == np.shape(y)
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)

    def is_split(x):
        return len(x.sharding.device_set) == 8 and not x.sharding.is_fully_replicated
"""
SETTINGS = """
    kinds = {"numpy": per_class, "list": per_class.tolist(), "jax": jax.numpy.asarray(per_class)}
    with contextlib.suppress(ImportError):
        import torch
        kinds["torch"] = torch.asarray(per_class)
    for mesh in (auto, explicit):
        for given in kinds.values():
            for loss, target, plain in (
                (al.CrossEntropy(class_weight=given), labels, al.CrossEntropy(class_weight=per_class)),
                (al.CrossEntropy(class_weight=given), soft, al.CrossEntropy(class_weight=per_class)),
                (al.BinaryCrossEntropy(pos_weight=given), soft, al.BinaryCrossEntropy(pos_weight=per_class)),
            ):
                expected = al.value_and_grad(plain)(logits, target)
                arrays = on(mesh, logits), on(mesh, target)
                value, gradient = al.value_and_grad(loss)(*arrays)
                close((value, gradient), expected)
                assert is_split(gradient)
                if given is per_class:
                    close(jax.jit(jax.value_and_grad(loss))(*arrays), expected)
"""
MESHES = """
    from tests.cases import DEFAULTS

    with jax.set_mesh(explicit):
        for case in [case for case in DEFAULTS[::EVERY] if case.rows or case.name in ("huber", "binary_cross_entropy")]:
            arrays = case.inputs(shape=(16,), dtype="float32")
            found = al.value_and_grad(case.loss)(*[on(explicit, x) for x in arrays])
            close(found, al.value_and_grad(case.loss)(*arrays))
            assert is_split(found[1])
        arrays = on(explicit, hidden), everywhere(explicit, matrix), on(explicit, labels)
        expected = al.value_and_grad(al.linear_cross_entropy, (0, 1))(hidden, matrix, labels)
        close(al.value_and_grad(al.linear_cross_entropy, (0, 1))(*arrays), expected)
        items = al.linear_cross_entropy(hidden, matrix, labels, reduction="none")
        close(al.linear_cross_entropy(*arrays, reduction="none"), items)
"""
SHARD_MAP = """
    for target, per_row in ((labels, None), (soft, weight)):
        arrays = hidden, matrix, bias
        loss = al.LinearCrossEntropy(reduction="sum")

        def of_part(hidden, matrix, bias, target, per_row):
            return jax.lax.psum(loss(hidden, matrix, target, bias, weight=per_row), "batch")

        specs = P("batch"), P(), P(), P("batch"), None if per_row is None else P("batch")
        on_one = [None if x is None else jax.numpy.asarray(x) for x in (*arrays, target, per_row)]

        def of_all(hidden, matrix, bias):
            return loss(hidden, matrix, on_one[3], bias, weight=on_one[4])

        expected = jax.value_and_grad(of_all, (0, 1, 2))(*on_one[:3])
        for check, compiled in ((True, jax.jit), (False, jax.jit), (True, lambda f: f)):
            total = jax.shard_map(of_part, mesh=auto, in_specs=specs, out_specs=P(), check_vma=check)
            found = compiled(jax.value_and_grad(total, (0, 1, 2)))(*arrays, target, per_row)
            close(found, expected)
    expected = al.value_and_grad(al.CrossEntropy(class_weight=per_class, reduction="sum"))(logits, labels)
    total = jax.shard_map(
        lambda x, y: jax.lax.psum(al.cross_entropy(x, y, class_weight=per_class, reduction="sum"), "batch"),
        mesh=auto,
        in_specs=(P("batch"), P("batch")),
        out_specs=P(),
    )
    close(jax.value_and_grad(total)(logits, labels), expected)
"""
COLLECTIVES = """
    from tests.cases import DEFAULTS

    def compare(loss, arrays, specs):
        placed = [jax.device_put(x, NamedSharding(auto, spec)) for x, spec in zip(arrays, specs, strict=True)]
        program = jax.jit(jax.value_and_grad(loss)).lower(*placed).compile()
        assert "all-gather" not in program.as_text(), loss
        found = program(*placed)
        close(found, al.value_and_grad(loss)(*arrays))
        assert is_split(found[1])

    for case in DEFAULTS[::EVERY]:
        arrays = case.inputs(shape=(16,), dtype="float32")
        compare(case.loss, arrays, [P("batch")] * len(arrays))
    # the classes on eight devices
    wide = rng.normal(size=(4, 64)).astype("float32")
    labels, soft = rng.integers(0, 64, size=4), rng.dirichlet(np.ones(64), size=4).astype("float32")
    for loss in (al.CrossEntropy(), al.CrossEntropy(label_smoothing=0.1, z_loss=1e-3), al.CategoricalFocal()):
        compare(loss, (wide, labels), (P(None, "batch"), P()))
        compare(loss, (wide, soft), (P(None, "batch"), P(None, "batch")))
"""

EAGER_GRADIENTS = """
    from tests.cases import OTHERS

    # Not as one program: what a loss makes, beside constants that JAX may move, meets arrays of the mesh.
    for case in [case for case in OTHERS if case.name in ("info_nce", "nt_xent", "triplet_batch_hard")]:
        first, *rest = case.inputs(shape=(16,), dtype="float32", batch=16)
        spec = [None] * first.ndim
        spec[case.batch_axes()[0]] = "batch"
        placed = jax.device_put(first, NamedSharding(auto, P(*spec)))
        rest = [jax.numpy.asarray(x) for x in rest]
        expected = al.value_and_grad(case.loss)(jax.numpy.asarray(first), *rest)
        found = jax.value_and_grad(lambda x: 2.0 * case.loss(x, *rest))(placed)
        close(found, jax.tree.map(lambda x: 2.0 * x, expected))
"""


@pytest.mark.parametrize(
    "part",
    [SETTINGS, MESHES, SHARD_MAP, COLLECTIVES, EAGER_GRADIENTS],
    ids=["settings", "explicit", "shard_map", "collectives", "eager gradients"],
)
def test_on_eight_devices(part, request):
    pytest.importorskip("jax")
    every = "EVERY = 1\n" if request.config.getoption("--sweep") else "EVERY = 6\n"
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    done = subprocess.run(
        [sys.executable, "-c", every + textwrap.dedent(SCRIPT) + textwrap.dedent(part)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
