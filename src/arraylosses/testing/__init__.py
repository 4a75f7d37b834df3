"""The laws that every loss keeps, for anybody's loss: `check_loss`."""

from .laws import LAWS, edges, formula_of
from .library import Library, Subject, drawn, forms_of
from .report import Broken, Report, check_loss

__all__ = ["LAWS", "Broken", "Library", "Report", "Subject", "check_loss", "drawn", "edges", "forms_of", "formula_of"]
