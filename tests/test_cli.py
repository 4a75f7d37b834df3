"""The command line: what it prints, and its exit status."""

import importlib
import importlib.util
import inspect
import itertools
import json
import re
import sys
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("typer", reason="the command line needs typer")
pytest.importorskip("rich", reason="the command line needs rich")

import arraylosses as al
from arraylosses import cli, data, registry
from arraylosses.cli import commands, documentation
from arraylosses.comparison import backends
from arraylosses.loss import setting_names

pytestmark = pytest.mark.backend("numpy")  # what other libraries give is the matter of tests/test_comparison.py

WIDTHS = [60, 80, 120]


class Result(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capsys):
    """Run the command with these arguments."""

    def command(*arguments):
        code = cli.main([str(a) for a in arguments])
        return Result(code, *capsys.readouterr())

    return command


@pytest.fixture
def at_width(monkeypatch):
    """Set the width of the terminal."""
    return lambda width: monkeypatch.setenv("COLUMNS", str(width))


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """Give the name of a module of the user in the current directory, and forget it afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_losses_of_a_user.py").write_text(
        "import arraylosses as al\n\n\n@al.register\n@al.loss\ndef quartic(prediction, target, *, scale=2.0):\n"
        '    """Fourth power of the error."""\n    return ((prediction - target) / scale) ** 4\n'
    )
    importlib.invalidate_caches()
    yield "own_losses_of_a_user"
    sys.modules.pop("own_losses_of_a_user", None)


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
    assert result.exit_code in (0, 1), result.stderr
    return json.loads(result.stdout)


# list and show


def test_list_names_every_loss_on_a_line_of_its_own(run):
    result = run("list")
    assert result.exit_code == 0
    firsts = [line.split()[0] for line in result.stdout.splitlines() if line[:2] == "  " != line[2:4]]
    assert firsts == list(al.registered())


@pytest.mark.parametrize("library", ["torch", "keras", "optax", "sklearn"])
def test_list_from_a_library_says_what_each_of_its_losses_is(run, library):
    lines = [line.split(maxsplit=1) for line in run("list", "--from", library).stdout.splitlines()]
    said = {line[0]: line[-1] for line in lines}
    for path in registry.PEERS:
        if path.startswith(library):
            assert path in said
            assert set(registry.PEERS[path]) <= said.keys()
    known = {"torch": "HuberLoss", "keras": "Huber", "optax": "huber_loss", "sklearn": "mean_squared_error"}
    assert said[known[library]] == ("squared_error" if library == "sklearn" else "huber")


@pytest.mark.parametrize("library", ["torch", "keras", "optax", "sklearn"])
@pytest.mark.parametrize("width", WIDTHS)
def test_list_from_a_library_fits_and_says_all(run, at_width, library, width):
    at_width(1000)
    words = run("list", "--from", library).stdout.split()
    at_width(width)
    lines = run("list", "--from", library).stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(lines).split() == words


def test_list_from_an_unknown_library_is_refused(run):
    result = run("list", "--from", "tensorflow")
    assert result.exit_code == 2
    assert "`--from` must be one of 'torch', 'keras', 'optax', 'sklearn', got 'tensorflow'" in result.stderr


def test_list_of_a_dialect_stands_under_its_framework(run):
    headings = [line for line in run("list").stdout.splitlines() if not line.startswith(" ")]
    assert len(set(headings)) == len(headings)
    assert {"keras", "optax", "torch"} <= set(headings)


@pytest.mark.parametrize("width", WIDTHS)
def test_list_fits_and_says_all(run, at_width, width):
    at_width(width)
    lines = run("list").stdout.splitlines()
    assert max(map(len, lines)) <= width
    words = " ".join(" ".join(lines).split())
    for cls in al.registered().values():
        assert " ".join(documentation.summary_of(cls).split()) in words


@pytest.mark.parametrize(("name", "width"), [*zip(al.registered(), itertools.cycle(WIDTHS))])
def test_show_fits_and_says_all(run, at_width, name, width):
    at_width(width)
    result = run("show", name)
    # A link is whole, however long it is.
    assert all(len(line) <= width for line in result.stdout.splitlines() if len(line.split()) > 1)
    at_width(10_000)
    assert result.stdout.split() == run("show", name).stdout.split()


@pytest.mark.parametrize("name", al.registered())
def test_show_says_what_the_docstring_and_the_registry_say(run, name):
    result = run("show", name)
    assert result.exit_code == 0
    cls = al.registered()[name]
    assert f"class {cls.__name__}" in result.stdout
    assert "\\" not in result.stdout  # the formula is plain text
    of_function = ["weight", "where"] if cls.function else []  # a loss of a dialect has no function form
    others = ["Other names"] if registry.aliases_of(name) or registry.peers_of(name) else []
    for heading in ("Formula", "Arrays", "Settings", *(["Result"] if of_function else []), *others):
        assert heading in result.stdout.splitlines()
    settings = result.stdout.partition("\nSettings\n")[2].partition("\nOther names\n")[0]
    for setting in [*setting_names(cls), *of_function]:
        assert setting in settings
    others = result.stdout.partition("\nOther names\n")[2]
    for alias, carried in registry.aliases_of(name).items():
        assert alias in others
        for key, value in carried.items():
            assert f"{key}={value!r}" in others


def test_show_of_an_alias_says_what_it_carries(run):
    assert "`poisson` is this loss with from_log=False, epsilon=1e-07." in run("show", "poisson").stdout


def test_show_of_a_dialect_s_name_says_whose_loss_it_is(run):
    assert run("show", "bce").stdout.startswith("keras.binary_crossentropy, class BinaryCrossentropy\n")
    assert run("show", "bce").stdout == run("show", "keras.binary_crossentropy").stdout


def test_show_indents_what_belongs_to_the_line_above(run, at_width):
    at_width(60)
    names = run("show", "cross_entropy").stdout.partition("\nOther names\n")[2].splitlines()
    starts = [line for line in names if line[2:3] != " "]
    assert [line.split()[0] for line in starts[:2]] == ["torch.nn:", "torch.nn.functional:"]
    assert len(starts) < len(names)
    assert all(line.startswith("    ") for line in names if line not in starts)


def test_show_takes_settings_on_which_arrays_depend(run):
    logits, probabilities = (
        run("show", "cross_entropy", "--set", f"from_logits={given}").stdout for given in ("true", "false")
    )
    assert "logits[..., C]: real" in logits
    assert "logits[..., C]: distribution" in probabilities


def test_show_says_what_an_undocumented_setting_is(run, own_module):
    result = run("show", "quartic", "--import", own_module)
    assert result.exit_code == 0
    assert "Fourth power of the error." in result.stdout
    assert "  scale : default 2.0\n" in result.stdout
    assert "prediction[...]: real, target[...]: real -> [...]" in result.stdout


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
    assert documentation.readable(latex) == text


def test_formulas_and_what_is_said_of_them_stand_on_lines_of_their_own():
    for name, cls in al.registered().items():
        summary = inspect.getdoc(cls.function or cls).partition("\nParameters\n")[0]
        _, *below = summary[summary.find(".. math::") :].strip().split("\n\n") if ".. math::" in summary else [""]
        shown = dict(documentation.described(name, cls(), 10_000)).get("Formula", [])
        said = [" ".join(paragraph.split()) for paragraph in below if ".. math::" not in paragraph]
        assert [line.strip() for line in shown if line.strip() in said] == said, name
        assert "math::" not in "".join(shown), name


# compare


def test_compare_of_the_samples(run):
    result = run("compare", "--backends", "numpy")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert f"all {2 * len(al.registered())} results agree" in result.stdout
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [row[0] for row in rows if row[1:2] == ["ok"]] == list(al.registered())


def test_compare_fits_the_terminal(run, at_width, monkeypatch):
    result = commands.compare(backends=["numpy"])
    monkeypatch.setattr(commands, "compare", lambda *args, **settings: result)  # printed in several ways
    value = str(float(al.huber(*data.load("diabetes").values())))
    for width, verbose in itertools.product(WIDTHS, [[], ["--verbose"]]):
        at_width(width)
        printed = run("compare", "--backends", "numpy", *verbose).stdout
        assert max(map(len, printed.splitlines())) <= width
        for name in al.registered():
            assert name in printed
        assert (value in printed) is bool(verbose)


def test_compare_of_losses_of_an_imported_module(run, own_module):
    assert run("compare", "quartic", "--backends", "numpy").exit_code == 2
    result = run("compare", "quartic", "--backends", "numpy", "--import", own_module)
    assert result.exit_code == 0
    assert "quartic" in run("list").stdout
    result = run("compare", "--backends", "numpy", "--format", "json", "--import", own_module)
    assert "quartic" in {row["loss"] for row in plain(result)["rows"]}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def (", "SyntaxError: "),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "SystemExit: 0"),
    ],
    ids=["syntax", "error", "exit"],
)
@pytest.mark.usefixtures("own_module")
def test_module_that_cannot_be_imported_is_one_line(run, tmp_path, code, message):
    (tmp_path / "broken_module_of_a_user.py").write_text(code)
    importlib.invalidate_caches()
    result = run("list", "--import", "broken_module_of_a_user")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"arraylosses: cannot import 'broken_module_of_a_user': {message}")
    assert result.stderr.count("\n") == 1
    assert "No module named 'nowhere'" in run("list", "--import", "nowhere").stderr


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


def test_compare_of_csv_files(run, tmp_path):
    for name, text in {
        "p": "predicted\n1\n2\n4\n", "t": "0.5\n2.5\n3.0\n", "mask": "keep\n1\n1\n0\n", "w": "1\n2\n3\n",
    }.items():  # fmt: skip
        (tmp_path / f"{name}.csv").write_text(text)
    result = run(
        "compare", "huber", "--prediction", tmp_path / "p.csv", "--target", tmp_path / "t.csv",
        "--where", tmp_path / "mask.csv", "--weight", tmp_path / "w.csv", "--backends", "numpy", "--format", "json",
    )  # fmt: skip
    assert result.exit_code == 0
    x = np.asarray([1.0, 2.0, 4.0]), np.asarray([0.5, 2.5, 3.0])
    expected = al.huber(*x, weight=np.asarray([1, 2, 3]), where=np.asarray([True, True, False]))
    assert plain(result)["rows"][0]["value"] == float(expected)


def test_compare_of_rows_and_labels_in_csv_files(run, tmp_path):
    (tmp_path / "logits.csv").write_text("a,b,c\n1,2,3\n0,0,5\n")
    (tmp_path / "labels.csv").write_text("0\n2\n")
    result = run(
        "compare", "cross_entropy", "--array", f"logits={tmp_path / 'logits.csv'}",
        "--array", f"labels={tmp_path / 'labels.csv'}", "--backends", "numpy", "--format", "json",
    )  # fmt: skip
    expected = al.cross_entropy(np.asarray([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]]), np.asarray([0, 2]))
    assert plain(result)["rows"][0]["value"] == float(expected)


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
    assert {row["loss"] for row in read["rows"]} >= {"cross_entropy", "categorical_focal", "categorical_hinge", "dice"}
    assert "huber" in read["skipped"]


def test_markdown_is_one_table(run):
    result = run("compare", "huber", "--backends", "numpy", "--format", "markdown")
    assert result.exit_code == 0
    assert "| `huber()` | diabetes | numpy | float32 |" in result.stdout


def test_json_has_null_for_nan(run, tmp_path):
    np.save(tmp_path / "nan.npy", np.asarray([np.nan, 1.0]))
    np.save(tmp_path / "one.npy", np.asarray([1.0, 1.0]))
    result = run(
        "compare", "huber", "--prediction", tmp_path / "nan.npy", "--target", tmp_path / "one.npy",
        "--backends", "numpy", "--format", "json", "--set", "reduction=none",
    )  # fmt: skip
    assert result.exit_code == 0
    assert plain(result)["rows"][0]["value"] is None


def test_status_is_1_where_there_is_nothing_but_nan(run, tmp_path):
    np.save(tmp_path / "nan.npy", np.full(4, np.nan))
    result = run(
        "compare", "huber", "--prediction", tmp_path / "nan.npy", "--target", tmp_path / "nan.npy",
        "--backends", "numpy",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "there is NaN in `prediction`, `target`, and `where` leaves" in " ".join(result.stdout.split())
    assert "all" not in result.stdout.splitlines()[-1]


def test_status_is_1_where_no_library_that_was_asked_for_is_there(run, monkeypatch):
    monkeypatch.setitem(backends.MODULES, "cupy", "a_library_that_nobody_has")
    result = run("compare", "huber", "--backends", "cupy")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "nothing was compared: no library that was asked for is there"


@pytest.mark.parametrize("form", ["table", "markdown", "json"])
def test_status_is_1_where_results_disagree(run, form):
    result = run(
        "compare", "huber", "--backends", "numpy", "--dtype", "float32", "--tolerance", "1e-20", "--format", form
    )
    assert result.exit_code == 1
    assert "differs" in result.stdout


def test_status_is_1_where_a_backend_is_broken(run, monkeypatch):
    monkeypatch.setitem(backends.MODULES, "cupy", "json")
    result = run("compare", "huber", "--backends", "numpy,cupy")
    assert result.exit_code == 1
    assert "cupy is broken: AttributeError" in result.stdout


def test_status_is_0_where_a_backend_is_missing(run, monkeypatch):
    monkeypatch.setitem(backends.MODULES, "cupy", "a_library_that_nobody_has")
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
            "did you mean 'delta'?",
        ),
        (["huber", "log_cosh", "--set", "q=0.5"], "`q` is a setting of none of the losses"),
        (["huber", "--set", "delta=0"], "`delta` must be above 0, got 0"),
        (["huber", "--set", "delta=text"], "`delta` must be a number, got 'text'"),
        (["huber", "--array", "p.npy"], "`--array` must have the form NAME=FILE, got 'p.npy'"),
        (["huber", "--prediction", "{p}"], "huber takes `prediction`, `target`; got `prediction`"),
        (["huber", "--prediction", "{p}", "--target", "{rows}"], "all arrays must have one shape"),
        (
            ["huber", "--prediction", "{labels}", "--target", "{t}"],
            "`prediction` must have a floating dtype, got int64",
        ),
        (["triplet_margin", "--prediction", "{p}", "--target", "{t}"], "takes `anchor`, `positive`, `negative`"),
        (["huber", "--prediction", "nowhere.npy"], "cannot read 'nowhere.npy': No such file or directory"),
        (["huber", "--prediction", "{text}"], "no array in NumPy's .npy format"),
        (["huber", "--prediction", "{archive}"], "it is an archive, of arrays"),
        (["--backends", "numpy", "--prediction", "{p}", "--target", "{rows}"], "no loss fits these arrays"),
        (["huber", "--prediction", "{latin}"], "it is no text in UTF-8"),
        (["huber", "--prediction", "{words}"], "line 2 must hold numbers, got 'b'"),
        (["huber", "--set", "delta=1", "--set", "delta=2"], "`--set` must give each setting once, got delta twice"),
        (["huber", "--array", "prediction={p}", "--prediction", "{p}"], "each array must be given once"),
        (["huber", "--prediction", "{p}", "--prediction", "{p}"], "`--prediction` must be given once, got it 2 times"),
        (["huber", "--backends", "numpy", "--backends", "numpy"], "`--backends` must be given once"),
        (["huber", "--format", "json", "--format", "json"], "`--format` must be given once"),
        (["huber", "--set", f"delta={'[' * 100_000}"], "`delta` is nested too deeply"),
        (["huber", "--set", f"delta={'[' * 500}{']' * 500}"], "`delta` must not be nested deeper"),
        (["huber", "--set", f"delta={'9' * 1_000_000}"], "`delta` must lie within float64's range"),
        (["huber", "--set", "delta=1e999"], "`delta` must lie within float64's range"),
        (["huber", "--set", f"delta={'x' * 1_000_000}"], "`delta` must be a number, got 'xxx"),
        (["huber", "--set", "delta=NaN"], "`delta` must be"),
        (["huber", "--set", 'delta={"a": 1}'], "`delta` must be a number, got {'a': 1}"),
        (
            ["huber", "--format", "jsn"],
            "`--format` must be one of 'table', 'json', 'markdown', got 'jsn'; did you mean 'json'?",
        ),
        *[
            (
                ["--import", name],
                f"`--import` must be the name of a module, such as {module} for {module}.py, got {name!r}",
            )
            for name, module in {"a.py": "a", "./b.py": "b", "c/d": "d", ".e": "e", "": "my_losses"}.items()
        ],
        (["huber", "--tolerance", "x"], "'--tolerance'"),
        (["huber", "--nothing"], "--nothing"),
    ],
    ids=lambda v: " ".join(v)[:60] if isinstance(v, list) else "",
)
def test_wrong_usage_is_one_line_and_status_2(run, files, tmp_path, arguments, message):
    paths = {**files[0], "text": tmp_path / "text.npy", "archive": tmp_path / "archive.npz"}
    paths["text"].write_text("1, 2, 3")
    np.savez(paths["archive"], x=np.zeros(3))
    paths |= {"latin": tmp_path / "latin.csv", "words": tmp_path / "words.csv"}
    paths["latin"].write_bytes("caf\u00e9\n1\n".encode("latin-1"))
    paths["words"].write_text("a\nb\n")
    result = run("compare", *(re.sub(r"{(\w+)}", lambda m: str(paths[m[1]]), a) for a in arguments))
    assert result.exit_code == 2
    assert len(result.stderr) < 1000
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.startswith("arraylosses: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.0", 2.0), ("true", True), ("null", None), ("[1, 2]", [1, 2]), ("sum", "sum"), ('"sum"', "sum"),
        ("True", True), ("None", None), ("inf", float("inf")),
    ],
    ids=str,
)  # fmt: skip
def test_setting_values(text, value):
    assert commands._value("delta", text) == value
    assert type(commands._value("delta", text)) is type(value)


# plot


needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed"
)


@needs_matplotlib
def test_plot_writes_the_file_and_says_what_is_in_it(run, tmp_path):
    result = run("plot", "huber", "hinge", "--set", "delta=2.0", "--output", tmp_path / "x.svg")
    assert (result.exit_code, result.stderr) == (0, "")
    assert " ".join(result.stdout.split()) == f"{tmp_path / 'x.svg'}: 2 losses"
    assert (tmp_path / "x.svg").stat().st_size > 1000
    every = run("plot", "-o", tmp_path / "all.png")
    assert "no curve: " in " ".join(every.stdout.split())
    assert "triplet_margin" in every.stdout


@needs_matplotlib
def test_compare_draws_too_and_leaves_its_output_alone(run, tmp_path):
    plainly = run("compare", "huber", "--backends", "numpy", "--format", "json")
    drawing = run("compare", "huber", "--backends", "numpy", "--format", "json", "--plot", tmp_path / "x.pdf")
    assert drawing.exit_code == 0
    assert drawing.stdout == plainly.stdout
    assert drawing.stderr == f"{tmp_path / 'x.pdf'}: 1 loss\n"
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")


@needs_matplotlib
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["huber", "-o", "x.txt"], "a plot must be a file that ends in .pdf, .png, .svg, got 'x.txt'"),
        (["huber", "-o", "nowhere/x.svg"], "cannot write 'nowhere/x.svg': No such file or directory"),
        (["hubr"], "did you mean 'huber'"),
        (["cosine_similarity"], "cosine_similarity cannot be drawn"),
        (["huber", "--set", "delta=0"], "`delta` must be above 0"),
    ],
    ids=["suffix", "folder", "name", "vectors", "setting"],
)
def test_plot_that_cannot_be_is_one_line_and_status_2(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run("plot", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("arraylosses: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_plot_without_matplotlib_says_what_to_install(run, tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "matplotlib" else real(name, *a))
    for command in (["plot", "huber", "-o"], ["compare", "huber", "--plot"]):
        result = run(*command, tmp_path / "x.svg")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "arraylosses: a plot needs matplotlib: pip install matplotlib\n"


@pytest.mark.parametrize("arguments", [["--version"], ["-h"], ["--help"], [], ["compare", "-h"]], ids=" ".join)
def test_help_and_version(run, arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (f"arraylosses {al.__version__}\n" if "--version" in arguments else "Usage: arraylosses") in result.stdout


@pytest.mark.parametrize("arguments", [["show"], ["nothing"], ["--nothing"]], ids=" ".join)
def test_wrong_command_is_one_line_and_status_2(run, arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("width", [0, 1, 20])
@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "nll"], ["compare", "nll", "--backends", "numpy"]], ids=" ".join
)
def test_no_width_is_too_small(run, at_width, arguments, width):
    at_width(width)
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "nll" in result.stdout
