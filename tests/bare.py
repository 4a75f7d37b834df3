"""Run by `nox -s bare` without pytest: the package where nothing but its runtime dependencies is installed."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import numpy as np

import arraylosses as al

RUNTIME = {"arraylosses", "numpy", "array-api-compat", "pip", "setuptools", "wheel"}
OTHERS = {"torch", "jax", "dask", "cupy", "array_api_strict", "typer", "rich"}


def main() -> None:
    """Use the package, and look at what that took."""
    extra = {d.name.lower().replace("_", "-") for d in importlib.metadata.distributions()} - RUNTIME
    assert not extra, f"not a bare environment: {sorted(extra)}"

    assert float(al.squared_error(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0]))) == 2.5
    assert al.grad(al.squared_error)(np.asarray([3.0, 0.0]), np.asarray([1.0, 0.0])).tolist() == [2.0, 0.0]
    result = al.compare(dtypes=["float64"])
    assert len({row.loss for row in result.rows}) == len(al.registered())
    assert result.agree, result.to_table()
    assert not OTHERS & set(sys.modules), OTHERS & set(sys.modules)

    done = subprocess.run([sys.executable, "-m", "arraylosses", "list"], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done
    assert "pip install typer rich" in done.stderr, done
    print("bare: passed")


if __name__ == "__main__":
    main()
