"""The command line: what it prints, and its exit status."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("typer", reason="the command line needs typer")

from typer.testing import CliRunner

import arraylosses as al
from arraylosses import cli, comparison, registry
from arraylosses.loss import setting_names


@pytest.fixture
def run():
    """Run the command with these arguments."""
    runner = CliRunner()
    return lambda *arguments: runner.invoke(cli._app(), [str(a) for a in arguments])


@pytest.fixture
def files(tmp_path):
    """Give paths of arrays that belong together."""
    rng = np.random.default_rng(0)
    arrays = {
        "p": rng.normal(size=12),
        "t": rng.normal(size=12),
        "w": np.linspace(0.5, 2, 12),
        "keep": np.arange(12) > 3,
        "rows": rng.normal(size=(12, 3)),
        "rows2": rng.normal(size=(12, 3)),
        "rows3": rng.normal(size=(12, 3)),
        "labels": rng.integers(0, 3, size=12),
    }
    paths = {}
    for name, x in arrays.items():
        paths[name] = tmp_path / f"{name}.npy"
        np.save(paths[name], x)
    return paths, arrays


def plain(result):
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


# list and show


def test_list_names_every_loss_on_a_line_of_its_own(run):
    result = run("list")
    assert result.exit_code == 0
    firsts = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert firsts == list(al.registered())


@pytest.mark.parametrize("name", al.registered())
def test_show_says_what_the_docstring_and_the_registry_say(run, name):
    result = run("show", name)
    assert result.exit_code == 0
    cls = al.registered()[name]
    assert f"class {cls.__name__}" in result.stdout
    assert "\\" not in result.stdout  # the formula is plain text
    for heading in ("Formula", "Arrays", "Settings", "Result", "Other names"):
        assert heading in result.stdout.splitlines()
    settings = result.stdout.partition("\nSettings\n")[2].partition("\nResult\n")[0]
    for setting in [*setting_names(cls), "weight", "where"]:
        assert setting in settings
    others = result.stdout.partition("\nOther names\n")[2]
    for alias, carried in registry.aliases_of(name).items():
        assert alias in others
        for key, value in carried.items():
            assert f"{key}={value!r}" in others


def test_show_of_an_alias_says_what_it_carries(run):
    assert "`bce` is this loss with from_logits=False, epsilon=1e-07." in run("show", "bce").stdout


def test_show_of_an_unknown_name_hints_at_the_closest(run):
    result = run("show", "hubr")
    assert result.exit_code == 2
    assert result.stderr == (
        "arraylosses: `loss` must be the name of a registered loss, got 'hubr'; did you mean 'huber' or 'HuberLoss'?\n"
    )


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"l = \frac{x \cdot y}{|x| \, |y|}", "l = (x · y) / (|x| |y|)"),
        (r"\sum_c t_c \log p_c; \quad p = softmax(z)", "Σ_c t_c log p_c;  p = softmax(z)"),
        (r"\|a - b\|_p \text{ if } a \le b, \text{ else } \max(0, a)^{g}", "‖a - b‖_p if a ≤ b, else max(0, a)^g"),
    ],
    ids=["fraction", "sum", "cases"],
)
def test_formula_is_readable(latex, text):
    assert cli._readable(latex) == text


# compare


def test_compare_of_the_samples(run):
    result = run("compare", "--backends", "numpy")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert f"all {2 * len(al.registered())} results agree" in result.stdout


def test_compare_of_own_arrays(run, files):
    paths, x = files
    result = run(
        "compare", "huber", "log_cosh", "--prediction", paths["p"], "--target", paths["t"], "--set", "delta=0.25",
        "--backends", "numpy", "--dtype", "float64", "--format", "json",
    )  # fmt: skip
    assert result.exit_code == 0
    huber, log_cosh = plain(result)["rows"]
    assert (huber["loss"], huber["sample"], huber["settings"]["delta"]) == ("huber", "given", 0.25)
    assert huber["value"] == float(al.huber(x["p"], x["t"], delta=0.25))
    assert log_cosh["value"] == float(al.log_cosh(x["p"], x["t"]))


def test_compare_with_weight_and_where(run, files):
    paths, x = files
    result = run(
        "compare", "huber", "--prediction", paths["p"], "--target", paths["t"], "--weight", paths["w"],
        "--where", paths["keep"], "--backends", "numpy", "--dtype", "float64", "--format", "json",
    )  # fmt: skip
    (row,) = plain(result)["rows"]
    assert row["value"] == float(al.huber(x["p"], x["t"], weight=x["w"], where=x["keep"]))


def test_compare_of_arrays_by_name(run, files):
    paths, x = files
    named = [
        f"--array={name}={paths[key]}"
        for name, key in (("negative", "rows3"), ("anchor", "rows"), ("positive", "rows2"))
    ]
    result = run("compare", "triplet_margin", *named, "--backends", "numpy", "--format", "json")
    assert plain(result)["rows"][0]["value"] == float(al.triplet_margin(x["rows"], x["rows2"], x["rows3"]))


def test_compare_of_all_that_fit_own_arrays(run, files):
    paths, _ = files
    result = run(
        "compare", "--prediction", paths["rows"], "--target", paths["labels"], "--backends", "numpy", "--format", "json"
    )
    assert result.exit_code == 0
    read = plain(result)
    assert {row["loss"] for row in read["rows"]} == {"cross_entropy", "categorical_focal", "categorical_hinge"}
    assert "huber" in read["skipped"]


def test_markdown_is_one_table(run):
    result = run("compare", "huber", "--backends", "numpy", "--format", "markdown")
    assert result.exit_code == 0
    assert "| `huber()` | diabetes | numpy | float32 |" in result.stdout


def test_json_has_null_for_nan(run, tmp_path):
    np.save(tmp_path / "nan.npy", np.asarray([np.nan]))
    np.save(tmp_path / "one.npy", np.asarray([1.0]))
    result = run(
        "compare", "huber", "--prediction", tmp_path / "nan.npy", "--target", tmp_path / "one.npy",
        "--backends", "numpy", "--format", "json",
    )  # fmt: skip
    assert result.exit_code == 0
    assert plain(result)["rows"][0]["value"] is None


@pytest.mark.parametrize("form", ["table", "markdown", "json"])
def test_status_is_1_where_results_disagree(run, form):
    result = run(
        "compare", "huber", "--backends", "numpy", "--dtype", "float32", "--tolerance", "1e-20", "--format", form
    )
    assert result.exit_code == 1
    assert "differs" in result.stdout


def test_status_is_1_where_a_backend_is_broken(run, monkeypatch):
    monkeypatch.setitem(comparison._MODULES, "cupy", "json")
    result = run("compare", "huber", "--backends", "numpy,cupy")
    assert result.exit_code == 1
    assert "cupy is broken: AttributeError" in result.stdout


def test_status_is_0_where_a_backend_is_missing(run, monkeypatch):
    monkeypatch.setitem(comparison._MODULES, "cupy", "a_library_that_nobody_has")
    result = run("compare", "huber", "--backends", "numpy, cupy")
    assert result.exit_code == 0
    assert "not installed: cupy" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hubr"], "did you mean 'huber' or 'HuberLoss'?"),
        (["huber", "--backends", "tensorflow"], "`backend` must be one of 'numpy', 'torch'"),
        (["huber", "--dtype", "float16"], "`dtype` must be one of 'float64', 'float32'"),
        (["huber", "--tolerance", "-1"], "`tolerance` must be at least 0"),
        (["huber", "--set", "delta"], "`--set` must have the form NAME=VALUE, got 'delta'"),
        (
            ["huber", "--set", "delt=1"],
            "`delt` is no setting of Huber, which has delta, reduction; did you mean 'delta'?",
        ),
        (["huber", "log_cosh", "--set", "q=0.5"], "`q` is a setting of none of the losses"),
        (["huber", "--set", "delta=0"], "`delta` must be above 0, got 0"),
        (["huber", "--set", "delta=text"], "`delta` must be a number, got 'text'"),
        (["huber", "--array", "p.npy"], "`--array` must have the form NAME=FILE.npy, got 'p.npy'"),
        (["huber", "--prediction", "{p}"], "huber takes `prediction`, `target`; got `prediction`"),
        (["huber", "--prediction", "{p}", "--target", "{rows}"], "all arrays must have one shape"),
        (
            ["huber", "--prediction", "{labels}", "--target", "{t}"],
            "`prediction` must have a floating dtype, got int64",
        ),
        (["triplet_margin", "--prediction", "{p}", "--target", "{t}"], "takes `anchor`, `positive`, `negative`"),
        (["huber", "--prediction", "nowhere.npy"], "cannot read 'nowhere.npy': No such file or directory"),
        (["huber", "--prediction", "{text}"], "no array in NumPy's .npy format"),
        (["huber", "--prediction", "{archive}"], "it is an archive of arrays"),
        (["--prediction", "{p}", "--target", "{rows}"], "no loss fits these arrays"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_wrong_usage_is_one_line_and_status_2(run, files, tmp_path, arguments, message):
    paths = {**files[0], "text": tmp_path / "text.npy", "archive": tmp_path / "archive.npz"}
    paths["text"].write_text("1, 2, 3")
    np.savez(paths["archive"], x=np.zeros(3))
    result = run("compare", *(a.format(**paths) for a in arguments))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.startswith("arraylosses: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--format", "xml"], ["--tolerance", "x"], ["--nothing"]], ids=lambda v: " ".join(v)
)
def test_unknown_options_are_status_2(run, arguments):
    assert run("compare", "huber", *arguments).exit_code == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.0", 2.0), ("true", True), ("null", None), ("[1, 2]", [1, 2]), ("sum", "sum"), ('"sum"', "sum"),
        ("True", True), ("None", None), ("inf", float("inf")),
    ],
    ids=str,
)  # fmt: skip
def test_setting_values(text, value):
    assert cli._value(text) == value
    assert type(cli._value(text)) is type(value)


def test_without_typer_one_line_says_what_to_install():
    code = "import sys; sys.modules['typer'] = None; from arraylosses.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "arraylosses: the command line needs typer and rich: pip install 'arraylosses[cli]'\n"


def test_command_in_a_pipe_keeps_every_number_whole():
    code = "import sys; sys.argv[1:] = ['compare', '--backends', 'numpy']; from arraylosses.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "…" not in done.stdout
    assert str(float(al.huber(*comparison.data.load("diabetes").values()))) in done.stdout
