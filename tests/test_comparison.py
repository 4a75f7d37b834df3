"""`compare`: what it finds on every backend, and what it says where one disagrees, is missing or is broken."""

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import arraylosses as al
from arraylosses import data
from arraylosses.comparison import BACKENDS, DTYPES, backends, compare, differences
from arraylosses.testing import check_loss

INSTALLED = [
    name for name, module in backends.MODULES.items() if importlib.util.find_spec(module.partition(".")[0]) is not None
]


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return rng.normal(size=20), rng.normal(size=20)


# The samples.


@pytest.mark.slow
@pytest.mark.parametrize("name", al.registered())
def test_every_loss_fits_a_sample_and_agrees_on_every_backend(name):
    result = compare(name)
    assert result.agree, str(result)
    assert len(result.rows) == len(INSTALLED) * len(DTYPES)
    assert {row.backend for row in result.rows} == set(INSTALLED)
    for row in result.rows:
        assert np.isfinite(row.value)
        assert row.value != 0
        assert row.gradient_difference is not None


@pytest.mark.parametrize(
    "alias", ["bce", "BCELoss", "categorical_crossentropy", "KLDivergence", "poisson", "CrossEntropyLoss"]
)
def test_alias_gets_a_sample_that_holds_what_it_takes(alias):
    (row,) = compare(alias, backends=["numpy"], dtypes=["float64"]).rows
    assert row.status == "agrees"
    assert np.isfinite(row.value)


def test_one_name_is_taken_as_it_is():
    assert compare("huber", backends="numpy", dtypes="float32") == compare(
        ["huber"], backends=["numpy"], dtypes=["float32"]
    )
    with pytest.raises(ValueError, match="^`backend` must be one of .*, got 'nunpy'; did you mean 'numpy'"):
        compare("huber", backends="nunpy")
    assert check_loss("huber", backends="numpy") == check_loss("huber", backends=["numpy"])


def test_samples_are_what_the_losses_expect():
    digits, diabetes = data.load("digits"), data.load("diabetes")
    assert digits["logits"].shape == (300, 10)
    assert digits["logits"].dtype == diabetes["prediction"].dtype == diabetes["target"].dtype == np.float64
    assert digits["labels"].dtype == np.int64
    assert np.mean(np.argmax(digits["logits"], axis=1) == digits["labels"]) > 0.9
    assert np.corrcoef(diabetes["prediction"], diabetes["target"])[0, 1] > 0.5
    assert np.min(diabetes["prediction"]) > 0


def test_mean_of_the_sample_is_what_numpy_gives():
    (row,) = compare("squared_error", backends=["numpy"], dtypes=["float64"]).rows
    sample = data.load("diabetes")
    assert row.value == pytest.approx(np.mean((sample["prediction"] - sample["target"]) ** 2), rel=1e-14)


def test_axis_of_the_loss_is_the_axis_of_the_sample():
    first, last = compare([al.CrossEntropy(axis=0), al.CrossEntropy()], backends=["numpy"], dtypes=["float64"]).rows
    assert first.value == pytest.approx(last.value, rel=1e-14)


def test_script_makes_the_shipped_files(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn makes the samples")
    # A process of its own: scikit-learn may warn, and one thread spares the fit a fight for cores.
    subprocess.run(
        [sys.executable, "-m", "arraylosses.data.make_samples", str(tmp_path)],
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    for name in ("digits", "diabetes"):
        with np.load(tmp_path / f"{name}.npz") as made:
            shipped = data.load(name)
            assert set(made.files) == set(shipped)
            for key in made.files:
                np.testing.assert_array_equal(made[key], shipped[key])


# The numbers of a row.


def test_float32_is_held_against_float64_of_the_rounded_inputs():
    prediction, target = np.asarray([0.1]), np.asarray([0.0])
    (row,) = compare("absolute_error", arrays=[prediction, target], backends=["numpy"], dtypes=["float32"]).rows
    assert row.reference == float(np.float32(0.1)) != 0.1
    assert row.absolute_difference == 0


@pytest.mark.parametrize(("dtype", "unit"), [("float32", 2.0**-22), ("float64", 2.0**-51)], ids=str)
def test_ulp_is_the_spacing_at_the_reference(monkeypatch, dtype, unit):
    outcomes = iter([(3.0,), (3.0 + 2 * unit,)])
    monkeypatch.setattr(
        differences, "compute", lambda *_: differences.Outcome(np.asarray(next(outcomes)[0]), (np.ones(2),), None)
    )
    (row,) = compare("huber", backends=["numpy"], dtypes=[dtype]).rows
    assert row.absolute_difference == 2 * unit
    assert row.ulp_difference == 2


def test_gradient_difference_is_a_fraction_of_the_largest_entry(monkeypatch):
    outcomes = iter([np.asarray([4.0, 1.0]), np.asarray([4.0, 1.5])])
    monkeypatch.setattr(
        differences, "compute", lambda *_: differences.Outcome(np.asarray(1.0), (next(outcomes),), None)
    )
    (row,) = compare("huber", backends=["numpy"], dtypes=["float64"]).rows
    assert row.gradient_difference == 0.125
    assert row.status == "differs"


def test_cancellation_between_items_is_no_disagreement():
    rng = np.random.default_rng(1)
    prediction = rng.normal(size=1000)
    target = np.where(np.arange(1000) % 2, 1, -1)
    shift = al.hinge_embedding(prediction, target, margin=0.0)
    # Nearly all of the mean cancels: the float32 result is off by far more than 1e-5 of what is left.
    prediction[target == 1] -= 2 * shift * (1 - 1e-7)
    result = compare(al.HingeEmbedding(margin=0.0), arrays=[prediction, target], backends=["numpy"])
    float32 = result.rows[1]
    assert float32.absolute_difference > 1e-5 * abs(float32.reference)
    assert result.agree


@pytest.mark.filterwarnings("error")
def test_nan_and_infinity_agree_with_themselves():
    prediction, target = np.asarray([0.0, 1.0]), np.asarray([1.0, 1.0])
    result = compare(al.BinaryCrossEntropy(from_logits=False), arrays=[prediction, target], backends=["numpy"])
    assert [row.value for row in result.rows] == [np.inf, np.inf]
    assert all(row.absolute_difference == row.ulp_difference == 0 for row in result.rows)
    given = np.asarray([np.nan, 1.0]), np.asarray([0.0, 0.5])
    result = compare(al.Huber(reduction="none"), arrays=given, backends=["numpy"])
    assert [row.status for row in result.rows] == ["agrees", "agrees"]
    assert json.loads(result.to_json())["rows"][0]["value"] is None


@pytest.mark.parametrize("backend", INSTALLED)
def test_nothing_but_nan_is_a_failure_that_says_where_it_comes_from(backend):
    result = compare("huber", arrays=[np.asarray([np.nan, 1.0]), np.asarray([0.0, 0.5])], backends=[backend])
    assert not result.agree
    for row in result.rows:
        assert (row.status, row.absolute_difference, row.gradient_difference) == ("failed", None, None)
        assert row.error == (
            "nothing to compare: the value is NaN here and in the reference; "
            "there is NaN in `prediction`, and `where` leaves items out"
        )
    kept = np.asarray([False, True])
    assert compare("huber", arrays=[np.asarray([np.nan, 1.0]), np.asarray([0.0, 0.5])], where=kept).agree


def test_gradient_of_nothing_but_nan_is_a_failure(monkeypatch):
    outcome = differences.Outcome(np.asarray(1.0), (np.asarray([1.0]), np.asarray([np.nan])), None)
    monkeypatch.setattr(differences, "compute", lambda *_: outcome)
    (row,) = compare("huber", backends=["numpy"], dtypes=["float64"]).rows
    assert (row.status, row.error) == (
        "failed",
        "nothing to compare: a gradient is NaN here and in the reference",
    )


@pytest.mark.parametrize("values", [(np.nan, 1.0), (1.0, np.nan)], ids=["reference", "result"])
def test_nan_on_one_side_differs(monkeypatch, values):
    outcomes = iter([differences.Outcome(np.asarray(v), (np.ones(1),), None) for v in values])
    monkeypatch.setattr(differences, "compute", lambda *_: next(outcomes))
    (row,) = compare("huber", backends=["numpy"], dtypes=["float64"]).rows
    assert row.status == "differs"


def test_reduction_none_is_compared_item_by_item(pair):
    (row,) = compare(al.Huber(reduction="none"), arrays=pair, backends=["numpy"], dtypes=["float64"]).rows
    assert row.status == "agrees"
    assert row.value == pytest.approx(al.huber(*pair), rel=1e-14)
    assert row.gradient_difference == 0


@pytest.mark.parametrize("extra", ["weight", "where"])
def test_weight_and_where_reach_the_loss(pair, extra):
    given = {"weight": np.linspace(0, 1, 20), "where": np.arange(20) > 5}[extra]
    (row,) = compare("huber", arrays=pair, **{extra: given}, backends=["numpy"], dtypes=["float64"]).rows
    assert row.value == float(al.huber(*pair, **{extra: given}))


# Disagreement, and backends that are missing or broken.


@dataclass(frozen=True)
class OffByBackend(al.Loss):
    """Wrong wherever it does not run on NumPy arrays in float64."""

    off: float = 1e-3

    def call(self, prediction, target):
        error = prediction - target
        exact = isinstance(prediction, np.ndarray) and prediction.dtype == np.float64
        return error * error * (1.0 if exact else 1.0 + self.off)


def test_disagreement_is_found():
    result = compare(OffByBackend(), backends=["numpy"])
    assert [row.status for row in result.rows] == ["agrees", "differs"]
    assert not result.agree
    assert "1 agree, 1 differ" in result.conclusion()


def test_tolerance_decides_what_agrees():
    assert compare(OffByBackend(), backends=["numpy"], tolerance=1e-2).agree
    assert not compare(OffByBackend(off=0.1), backends=["numpy"], tolerance=1e-2).agree


def test_missing_backend_is_named_and_no_error(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "torch" else real(name, *a))
    result = compare("huber", backends=["numpy", "torch"])
    assert [(b.name, b.status) for b in result.backends] == [("numpy", "installed"), ("torch", "not installed")]
    assert result.agree
    assert "not installed: torch" in str(result)
    assert {row.backend for row in result.rows} == {"numpy"}


def test_comparison_of_no_library_does_not_agree(monkeypatch):
    monkeypatch.setitem(backends.MODULES, "cupy", "a_library_that_nobody_has")
    result = compare("huber", backends=["cupy"])
    assert result.rows == ()
    assert not result.agree
    for text in (result.to_table(), result.to_summary(), result.to_markdown()):
        assert "not installed: cupy" in text
        assert "nothing was compared: no library that was asked for is there" in text
        assert "agree" not in text


def test_broken_import_is_reported(monkeypatch):
    def broken(name, *_):
        raise ImportError("libbroken.so.1: cannot open shared object file")

    monkeypatch.setitem(backends.MODULES, "cupy", "json")
    monkeypatch.setattr(importlib, "import_module", broken)
    result = compare("huber", backends=["cupy"])
    (status,) = result.backends
    assert (status.status, status.error) == ("broken", "ImportError: libbroken.so.1: cannot open shared object file")
    assert not result.agree
    assert "cupy is broken: ImportError: libbroken.so.1" in str(result)


def test_backend_that_cannot_make_an_array_is_broken(monkeypatch):
    monkeypatch.setitem(backends.MODULES, "cupy", "json")
    (status,) = compare("huber", backends=["cupy"]).backends
    assert status.status == "broken"
    assert status.error.startswith("AttributeError: ")


def test_error_of_a_computation_is_a_failed_row():
    class Failing(al.Loss):
        def call(self, prediction, target):
            if prediction.dtype == np.float32:
                raise RuntimeError("no kernel for float32")
            return prediction - target

    good, bad = compare(Failing(), backends=["numpy"]).rows
    assert good.status == "agrees"
    assert (bad.status, bad.value, bad.error) == ("failed", None, "RuntimeError: no kernel for float32")


@pytest.mark.skipif("jax" not in INSTALLED, reason="JAX is not installed")
@pytest.mark.parametrize("x64", [False, True])
def test_jax_keeps_its_configuration(x64):
    import jax

    before = jax.config.jax_enable_x64
    try:
        jax.config.update("jax_enable_x64", x64)
        assert compare("huber", backends=["jax"]).agree
        assert jax.config.jax_enable_x64 is x64
    finally:
        jax.config.update("jax_enable_x64", before)


def test_importing_the_library_imports_no_other():
    code = "import sys, arraylosses.comparison; print({'torch', 'jax', 'dask', 'cupy', 'typer'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


# Which losses, which arrays, which settings.


@pytest.mark.parametrize(
    "loss",
    ["huber", "HuberLoss", al.Huber, al.Huber(), al.huber],
    ids=["name", "alias", "class", "instance", "function"],
)
def test_loss_may_be_given_in_any_form(loss):
    assert [row.loss for row in compare([loss], backends=["numpy"], dtypes=["float64"]).rows] == ["huber"]


def test_all_losses_without_a_choice():
    result = compare(backends=["numpy"], dtypes=["float64"])
    assert [row.loss for row in result.rows] == list(al.registered())
    assert result.skipped == {}
    assert result.agree, str(result)


@pytest.mark.parametrize("granularity", ["element", "row"])
def test_registered_loss_of_the_user_gets_a_sample(granularity):
    @al.register
    @al.loss(granularity=granularity)
    def own(prediction, target, *, power=2):
        error = (prediction - target) ** power
        return error if granularity == "element" else al.array_namespace(error).sum(error, axis=-1)

    rows = [row for row in compare(backends=["numpy"], dtypes=["float64"]).rows if row.loss == "own"]
    assert [(row.status, row.sample) for row in rows] == [
        ("agrees", {"element": "diabetes", "row": "digits"}[granularity])
    ]


def test_registered_loss_without_defaults_is_left_out_with_the_reason():
    @al.register
    @al.loss
    def own(prediction, target, *, power):
        return (prediction - target) ** power

    result = compare(backends=["numpy"], dtypes=["float64"])
    assert list(result.skipped) == ["own"]
    assert "power" in result.skipped["own"]
    assert compare(own, settings={"power": 2}, backends=["numpy"]).agree


def test_only_losses_that_fit_the_arrays_without_a_choice(pair):
    result = compare(arrays=pair, backends=["numpy"], dtypes=["float64"])
    names = {row.loss for row in result.rows}
    assert {"huber", "squared_error"} <= names
    assert not {"cross_entropy", "hinge", "triplet_margin", "binary_cross_entropy", "poisson_nll"} & names
    assert names | set(result.skipped) == set(al.registered())
    assert "one shape" not in result.skipped["hinge"]


def test_labels_choose_the_losses_of_classes():
    rng = np.random.default_rng(2)
    arrays = rng.normal(size=(6, 3)), rng.integers(0, 3, size=6)
    names = {row.loss for row in compare(arrays=arrays, backends=["numpy"], dtypes=["float64"]).rows}
    assert "cross_entropy" in names
    assert not {"huber", "nll", "cosine_similarity"} & names


def test_settings_go_where_they_fit(pair):
    result = compare(
        ["huber", "log_cosh"], arrays=pair, settings={"delta": 0.25}, backends=["numpy"], dtypes=["float64"]
    )
    assert [row.settings for row in result.rows] == [{"delta": 0.25, "reduction": "mean"}, {"reduction": "mean"}]
    assert result.rows[0].value == float(al.huber(*pair, delta=0.25))


def test_settings_go_before_those_of_an_alias():
    (row,) = compare(["bce", "huber"], settings={"epsilon": 0.01}, backends=["numpy"], dtypes=["float64"]).rows[:1]
    assert (row.settings["from_logits"], row.settings["epsilon"]) == (False, 0.01)


def test_arrays_by_name(pair):
    by_name = compare(
        "margin_ranking", arrays={"target": np.sign(pair[0]), "x2": pair[1], "x1": pair[0]}, backends=["numpy"]
    )
    assert by_name.rows[0].value == float(al.margin_ranking(pair[0], pair[1], np.sign(pair[0])))
    usual = compare("hinge_embedding", arrays={"prediction": pair[0], "target": np.sign(pair[1])}, backends=["numpy"])
    assert usual.rows[0].value == float(al.hinge_embedding(pair[0], np.sign(pair[1])))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"losses": "hubr"}, ValueError, "did you mean 'huber'"),
        ({"losses": 3}, TypeError, "`loss` must be a name"),
        ({"losses": "huber", "backends": ["tensorflow"]}, ValueError, "`backend` must be one of 'numpy'"),
        ({"losses": "huber", "dtypes": ["float16"]}, ValueError, "`dtype` must be one of 'float64', 'float32'"),
        ({"losses": "huber", "tolerance": -1}, ValueError, "`tolerance` must be at least 0"),
        ({"losses": "huber", "settings": {"delt": 1}}, TypeError, "`delt` is no setting of Huber"),
        ({"settings": {"delt": 1}}, TypeError, "`delt` is a setting of none of the losses; did you mean 'delta'"),
        ({"losses": "huber", "settings": {"delta": 0}}, ValueError, "`delta` must be above 0"),
        ({"losses": "huber", "arrays": [np.zeros(3)]}, TypeError, "huber takes `prediction`, `target`; got 1 arrays"),
        ({"losses": "huber", "arrays": np.zeros((2, 3))}, TypeError, "`arrays` must be a sequence"),
        ({"losses": "huber", "arrays": [[1.0], [2.0]]}, TypeError, r"`arrays\[0\]` must be an array, got list"),
        ({"losses": "huber", "arrays": {"prediction": np.zeros(3)}}, TypeError, "got `prediction`$"),
        ({"losses": "huber", "arrays": [np.zeros(3), np.zeros(4)]}, ValueError, "all arrays must have one shape"),
        ({"losses": "huber", "arrays": [np.zeros(3, dtype=int), np.zeros(3)]}, TypeError, "floating dtype, got int64"),
    ],
    ids=["name", "type", "backend", "dtype", "tolerance", "setting", "setting of none", "value", "count", "one array",
         "lists", "missing name", "shapes", "integers"],
)  # fmt: skip
def test_wrong_usage_raises(arguments, error, message):
    with pytest.raises(error, match=message):
        compare(**{"backends": ["numpy"], **arguments})


# What it is printed as.


def test_json_is_the_records():
    result = compare(["huber", al.TripletMargin(p=float("inf"))], backends=["numpy"])
    read = json.loads(result.to_json())
    assert read["agree"] is True
    assert read["tolerance"] == {"float64": 1e-12, "float32": 1e-5}
    assert [set(row) for row in read["rows"]] == [{f.name for f in dataclasses.fields(row)} for row in result.rows]
    assert read["rows"][0]["value"] == result.rows[0].value
    assert read["rows"][-1]["settings"]["p"] is None  # infinity, which JSON lacks


def test_markdown_is_one_table():
    text = compare("huber", settings={"delta": 2.0}, backends=["numpy"]).to_markdown()
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert len({line.count("|") for line in table}) == 1
    assert "| `huber(delta=2.0)` | diabetes | numpy | float64 |" in table[2]


def test_table_fits_a_terminal():
    lines = str(compare(backends=["numpy"])).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == f"all {2 * len(al.registered())} results agree (tolerance float64 1e-12, float32 1e-05)"


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("form", ["to_table", "to_summary"])
def test_text_fits_any_width_and_cuts_nothing(form, width):
    losses = ["huber", "absolute_percentage_error", al.CrossEntropy(class_weight=tuple(range(1, 11))), OffByBackend()]
    result = compare(losses, backends=["numpy", "strict"] if "strict" in INSTALLED else ["numpy"])
    text = getattr(result, form)(width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    words = text.split()
    for row in result.rows:
        assert any(word.startswith(row.loss) for word in words)
        if form == "to_table" or row.status == "differs":
            assert str(np.dtype(row.dtype).type(row.value)) in words


def test_summary_has_a_row_a_loss_and_a_column_a_library():
    result = compare(["huber", OffByBackend()], backends=["numpy"])
    lines = result.to_summary().splitlines()
    (head,) = [k for k, line in enumerate(lines) if line.split() == ["numpy", "ULP", "gradient"]]
    huber, off = (line.split() for line in lines[head + 1 : head + 3])
    assert huber[:2] == ["huber", "ok"]
    assert off[:2] == ["off_by_backend(off=0.001)", "diff"]
    # The worst in units in the last place of both dtypes; a gradient's from a fraction of its largest entry.
    rows = [row for row in result.rows if row.loss == "huber"]
    assert huber[2] == f"{max(row.ulp_difference for row in rows):.2f}"
    assert huber[3] == f"{max(row.gradient_difference / np.finfo(row.dtype).eps for row in rows):.2f}"
    below = "\n".join(lines[head + 3 :])
    worst = result.rows[-1]
    assert "off_by_backend(off=0.001), diabetes: numpy float32 differs" in below
    assert f"  value       {np.float32(worst.value)!s}\n  reference   {worst.reference}\n" in below
    assert "huber" not in below


def test_summary_keeps_errors_apart():
    class Failing(al.Loss):
        def call(self, prediction, target):
            raise RuntimeError(f"no kernel for {prediction.dtype}")

    text = compare(Failing(), backends=["numpy"]).to_summary()
    for dtype in DTYPES:
        assert f"failing(), diabetes: numpy {dtype} failed\n  RuntimeError: no kernel for {dtype}\n" in text


def test_summary_gives_the_whole_error_once_for_all_it_befell():
    message = "no kernel for this dtype, " * 8 + "the end"

    class Failing(al.Loss):
        def call(self, prediction, target):
            raise RuntimeError(message)

    text = compare(Failing(), backends=["numpy"]).to_summary(60)
    assert "failing(), diabetes: numpy float64, numpy float32 failed" in text
    assert text.count("the end") == 1
    assert " ".join(f"RuntimeError: {message}".split()) in " ".join(text.split())


@pytest.mark.parametrize(
    ("dtypes", "said"),
    [
        (
            ["float64", "float32"],
            "NumPy alone, on the sample diabetes: float32 is compared with float64, and nothing else.",
        ),
        (["float64"], "its float64 is the reference itself, so there is nothing to compare it with."),
    ],
    ids=["both", "float64"],
)
def test_numpy_alone_says_what_that_compares(dtypes, said):
    result = compare("huber", backends=["numpy"], dtypes=dtypes)
    for text in (result.to_table(), result.to_summary(), result.to_markdown()):
        assert said in " ".join(text.split())


@pytest.mark.skipif("strict" not in INSTALLED, reason="array-api-strict is not installed")
def test_libraries_are_said_to_be_compared_with_numpy():
    text = " ".join(compare(["huber", "hinge"], backends=["numpy", "strict"]).to_summary().split())
    assert (
        "Each library in float64 and float32 is compared with NumPy in float64, the reference, on the samples diabetes "
        "and digits, rounded to the dtype first."
    ) in text


def test_progress_is_reported_before_each_step():
    steps = []
    result = compare(["huber", "hinge"], backends=["numpy"], progress=lambda *step: steps.append(step))
    assert steps == [
        ("import numpy", 0, 0),
        ("huber, numpy float64", 0, 4),
        ("huber, numpy float32", 1, 4),
        ("hinge, numpy float64", 2, 4),
        ("hinge, numpy float32", 3, 4),
    ]
    assert len(result.rows) == 4


def test_backends_are_those_of_the_contract():
    assert BACKENDS == ("numpy", "torch", "jax", "cupy", "dask", "strict")
