"""The test matrix: one environment a library, so that an import that should not be there cannot hide."""

import nox

nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "typing", "bare", "oldest", "tests", "interop", "docs"]
nox.options.error_on_missing_interpreters = True

PYPROJECT = nox.project.load_toml("pyproject.toml")
SHARED = ("-n", "auto", "--dist", "worksteal")
ELSEWHERE = [f"--ignore=tests/{name}" for name in ("interop", "dialects")]  # in the session `interop`
BACKENDS = ["numpy", "strict", "torch", "jax", "dask"]
DIGITS = [f"tests/test_{name}.py" for name in ("accuracy", "edges", "numerics", "softmax", "special")]


def groups(*names: str) -> list[str]:
    return [requirement for name in names for requirement in nox.project.dependency_groups(PYPROJECT, name)]


def of_processes(session: nox.Session) -> dict[str, str]:
    """Settings of processes that share the cores: one thread each, and what JAX compiles for one serves all."""
    return {
        "OMP_NUM_THREADS": "1",
        "JAX_COMPILATION_CACHE_DIR": f"{session.create_tmp()}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def quick(session: nox.Session) -> dict[str, str]:
    """JAX's programs, which the tests run once, in half the time; where digits are counted they are those of a user."""
    # A flag that XLA no longer has, as of JAX 0.11, ends the process.
    asked = "import jax; print('--xla_cpu_use_fusion_emitters=false' if jax.__version_info__ < (0, 11) else '')"
    more = session.run("python", "-c", asked, silent=True, log=False)  # nothing, where nox only installs
    return {"XLA_FLAGS": f"--xla_backend_optimization_level=0 {str(more or '').strip()}"}


@nox.session(tags=["check"])
def lint(session: nox.Session) -> None:
    """Ruff: lint and format."""
    session.install(*groups("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(tags=["check"])
def typing(session: nox.Session) -> None:
    """The strict type checker on the package, and two of them on a file that uses it."""
    session.install("-e", ".", *groups("typing"))
    session.run("mypy")
    session.run("pytest", "tests/test_typing.py", "-rs")


@nox.session(tags=["cpu"])
def bare(session: nox.Session) -> None:
    """The runtime dependencies alone: the package works, and imports no array library but NumPy."""
    session.install(".")
    session.run("python", "tests/bare.py")


@nox.session(tags=["cpu"])
def oldest(session: nox.Session) -> None:
    """The oldest versions that may be installed: of NumPy, under the tape, and of what the command is made of."""
    project = PYPROJECT["project"]
    bounds = [*project["dependencies"], *project["optional-dependencies"]["cli"]]
    session.install("-e", ".", *groups("test"), *[bound.replace(">=", "==") for bound in bounds])
    chosen = [f"tests/{name}" for name in ("autodiff", "test_cli.py", "test_constants.py", "test_conversion.py")]
    session.run("pytest", *SHARED, "--backend=numpy", *(session.posargs or chosen), env=of_processes(session))


@nox.session(tags=["cpu"])
@nox.parametrize("backend", [nox.param(name, id=name) for name in BACKENDS])
def tests(session: nox.Session, backend: str) -> None:
    """All tests on one library."""
    session.install("-e", ".", *groups("test", *([] if backend == "numpy" else [backend])))
    pytest = ("pytest", *SHARED, f"--backend={backend}", f"--require-backend={backend}")
    if backend != "jax" or session.posargs:
        session.run(*pytest, *ELSEWHERE, *session.posargs, env=of_processes(session))
    else:
        session.run(*pytest, *DIGITS, env=of_processes(session))
        others = [f"--ignore={name}" for name in DIGITS]
        session.run(*pytest, *ELSEWHERE, *others, env=of_processes(session) | quick(session))


@nox.session(tags=["cpu"])
def interop(session: nox.Session) -> None:
    """The adapters, with the libraries that they are for, all of which must be there."""
    session.install("-e", ".", *groups("test", "interop"))
    probe = "import catboost, jax, keras, lightgbm, ndonnx, onnxruntime, sklearn, torch, xgboost"
    session.run("python", "-c", probe, env={"KERAS_BACKEND": "jax"})
    session.run(
        *("pytest", *SHARED, "tests/interop", "tests/dialects", "src/arraylosses/interop", *session.posargs),
        env=of_processes(session) | quick(session),
    )


@nox.session
def oracles(session: nox.Session) -> None:
    """The losses beside those of other libraries, in value and gradient; not in CI, for what it installs."""
    session.install("-e", ".", *groups("test", "oracles"))
    probe = "import entmax, jaxopt, kornia, monai, ot, pytorch_metric_learning, rax, torchmetrics"
    session.run("python", "-c", probe)
    session.run("pytest", "tests/oracles", *session.posargs)


@nox.session
def support(session: nox.Session) -> None:
    """What runs on which library, into SUPPORT.md; an hour on two cores. What is not installed stays as it is known."""
    session.install("-e", ".", *groups("test", "strict", "torch", "jax", "dask", "support"))
    session.run("python", "tools/write_support.py", *session.posargs)


@nox.session(tags=["check"])
def docs(session: nox.Session) -> None:
    """The site, with warnings as errors, and its tests: the code that it shows, its links, its names, its curves."""
    session.install("-e", ".", *groups("docs"))
    asked = "import sphinxcontrib.katex; print(sphinxcontrib.katex.katex_version)"
    katex = str(session.run("python", "-c", asked, silent=True)).strip()
    session.run("npm", "install", "--silent", "--prefix", "docs/_build/npm", f"katex@{katex}")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "docs", "docs/_build/html")
    session.run("pytest", "-n", "auto", "docs/tests", *session.posargs)


@nox.session(tags=["sweep"])
@nox.parametrize("backend", [nox.param(name, id=name) for name in BACKENDS])
def sweep(session: nox.Session, backend: str) -> None:
    """All tests on one library, with all settings in every variant of it; hours, and not in CI."""
    session.install("-e", ".", *groups("test", *([] if backend == "numpy" else [backend])))
    session.run(
        *("pytest", *SHARED, "--sweep", f"--backend={backend}", f"--require-backend={backend}", *session.posargs),
    )


@nox.session(tags=["gpu"])
@nox.parametrize("backend", [nox.param(name, id=name) for name in ("cupy", "cuda")])
def gpu(session: nox.Session, backend: str) -> None:
    """All tests on CuPy, or on torch's CUDA; skipped where there is no device."""
    session.install("-e", ".", *groups("test", {"cuda": "torch"}.get(backend, backend)))
    probe = f"from tests.variants import importable; raise SystemExit(importable({backend!r}))"
    if session.run("python", "-c", probe, success_codes=[0, 1], silent=True, log=False) is not True:
        session.skip("no CUDA device")
    session.run("pytest", f"--backend={backend}", f"--require-backend={backend}", *session.posargs)


@nox.session(tags=["bench"])
def bench(session: nox.Session) -> None:
    """Ours beside what a user would pick instead, on a quiet machine; 25 minutes on two cores."""
    session.install("-e", ".", *groups("bench", "oracles"))
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(tags=["cpu"])
def together(session: nox.Session) -> None:
    """All libraries in one environment: what crosses from one to another."""
    session.install("-e", ".", *groups("test", "strict", "torch", "jax", "dask"))
    required = [f"--require-backend={name}" for name in BACKENDS]
    session.run("pytest", *SHARED, *required, *session.posargs)
