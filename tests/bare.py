"""Run by `nox -s bare` without pytest: the package where nothing but its runtime dependencies is installed."""

import importlib.metadata
import subprocess
import sys
import time

import numpy as np

import arraylosses as al

installed = {d.name.lower().replace("_", "-") for d in importlib.metadata.distributions()}
extra = installed - {"arraylosses", "numpy", "array-api-compat", "pip", "setuptools", "wheel"}
assert not extra, f"not a bare environment: {sorted(extra)}"

for name in al.registered():
    assert callable(getattr(al, name)), name
assert float(al.squared_error(np.asarray([1.0, 4.0]), np.asarray([0.0, 2.0]))) == 2.5
assert float(al.nll(np.zeros((2, 3)), np.asarray([0, 2]))) == 0.0
assert al.compare("huber", dtypes=["float64"]).agree

forbidden = {"torch", "jax", "dask", "cupy", "array_api_strict", "typer", "rich"} & set(sys.modules)
assert not forbidden, forbidden

done = subprocess.run([sys.executable, "-m", "arraylosses", "list"], capture_output=True, text=True)
assert done.returncode == 2, done
assert "pip install 'arraylosses[cli]'" in done.stderr, done.stderr

start = time.perf_counter()
subprocess.run([sys.executable, "-c", "import arraylosses"], check=True)
print(f"bare: passed, {time.perf_counter() - start:.2f} s to start Python and import the package")
