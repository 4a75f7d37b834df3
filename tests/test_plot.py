"""Plots: the curves of every loss that has one, and the files."""

import importlib.util

import numpy as np
import pytest

import arraylosses as al
from arraylosses.comparison import plot
from arraylosses.data.lines import line_for

pytestmark = pytest.mark.backend("numpy")

needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed"
)


def drawable():
    found = {}
    for name, cls in al.registered().items():
        try:
            found[name] = line_for(cls().declaration)
        except ValueError:
            continue
    return found


LINES = drawable()


@pytest.mark.parametrize("name", LINES)
def test_gradient_is_the_slope_of_the_loss_along_the_line(name):
    (curve,) = plot.curves(name, {}, {})
    assert curve.points.shape == curve.loss.shape == curve.gradient.shape
    assert np.all(np.isfinite(curve.loss))
    assert np.all(np.isfinite(curve.gradient))
    # The mean slope between two points lies between the slopes at these, but for the curvature in between.
    slope = np.diff(curve.loss) / np.diff(curve.points)
    lower, upper = (f(curve.gradient[:-1], curve.gradient[1:]) for f in (np.minimum, np.maximum))
    slack = 1e-3 * np.max(np.abs(curve.gradient))
    # But for where a loss has a kink, at which the derivative is one in between, or changes within a step.
    smooth = np.abs(np.diff(curve.gradient)) <= 0.1 * np.max(np.abs(curve.gradient))
    slope, lower, upper = slope[smooth], lower[smooth], upper[smooth]
    if name == "keras.mean_squared_logarithmic_error":  # which does not move below epsilon, the first point alone
        slope, lower, upper = slope[1:], lower[1:], upper[1:]
    assert np.all((slope >= lower - slack) & (slope <= upper + slack))
    assert np.ptp(curve.loss) > 0


@pytest.mark.parametrize(
    ("name", "settings", "axis", "formula"),
    [
        ("huber", {"delta": 2.0}, "error: prediction - target",
         lambda x: np.where(np.abs(x) <= 2, x**2 / 2, 2 * (np.abs(x) - 1))),
        ("hinge", {}, "margin or logit: prediction, target = 1", lambda x: np.maximum(0, 1 - x)),
        ("binary_cross_entropy", {}, "margin or logit: prediction, target = 1", lambda x: np.log1p(np.exp(-x))),
        ("binary_cross_entropy", {"from_logits": False}, "prediction, target = 1", lambda x: -np.log(x)),
        ("cross_entropy", {}, "margin: the label's logit - the other's", lambda x: np.log1p(np.exp(-x))),
        ("nll", {}, "margin: the label's logit - the other's", lambda x: np.log1p(np.exp(-x))),
        ("margin_ranking", {"margin": 1.0}, "error: x1 - x2, target = 1", lambda x: np.maximum(0, 1 - x)),
    ],
    ids=["error", "margin", "logit", "probability", "classes", "log-probabilities", "pair"],
)  # fmt: skip
def test_axis_is_what_it_says(name, settings, axis, formula):
    (curve,) = plot.curves(name, settings, {})
    assert curve.axis == axis
    np.testing.assert_allclose(curve.loss, formula(curve.points), rtol=1e-12, atol=1e-12)


def test_losses_of_vectors_have_no_curve():
    with pytest.raises(ValueError, match="^cosine_similarity cannot be drawn: no one number moves prediction, target"):
        plot.curves("cosine_similarity", {}, {})
    skipped: dict[str, str] = {}
    found = plot.curves(None, {}, skipped)
    assert [curve.name for curve in found] == list(LINES)
    assert set(skipped) == set(al.registered()) - set(LINES)


def test_own_loss_has_a_curve():
    @al.loss
    def quartic(prediction, target, *, scale=1.0):
        return ((prediction - target) / scale) ** 4

    (curve,) = plot.curves(quartic, {"scale": 2.0}, {})
    np.testing.assert_allclose(curve.loss, (curve.points / 2) ** 4, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(curve.gradient, curve.points**3 / 4, rtol=1e-12, atol=1e-12)


@needs_matplotlib
@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("PDF", b"%PDF")])
def test_suffix_is_the_format(tmp_path, suffix, start):
    path = tmp_path / f"x.{suffix}"
    plot.save_plot(plot.curves(["huber", "hinge"], {}, {}), path)
    assert path.read_bytes().startswith(start)


@needs_matplotlib
def test_panels_are_the_kinds_of_axis_and_hold_their_losses(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path: figures.append(self))
    found = plot.curves(None, {}, {})
    plot.save_plot(found, tmp_path / "x.svg")
    axes = figures[0].axes
    kinds = dict.fromkeys(curve.axis for curve in found)
    assert [(a.get_xlabel(), a.get_ylabel()) for a in axes] == [(k, y) for k in kinds for y in ("loss", "gradient")]
    for panel in axes:
        drawn = [curve for curve in found if curve.axis == panel.get_xlabel()]
        assert [line.get_label() for line in panel.lines] == [curve.name for curve in drawn]
        for line, curve in zip(panel.lines, drawn, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), getattr(curve, panel.get_ylabel()))


def test_other_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be a file that ends in \.pdf, \.png, \.svg, got '.*x\.txt'$"):
        plot.save_plot([], tmp_path / "x.txt")


def test_without_matplotlib_the_message_says_what_to_install(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "matplotlib" else real(name, *a))
    with pytest.raises(ModuleNotFoundError, match="^a plot needs matplotlib: pip install matplotlib$"):
        plot.save_plot([], tmp_path / "x.svg")
