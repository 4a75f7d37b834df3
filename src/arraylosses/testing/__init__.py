"""The laws that every loss keeps, for anybody's loss: `check_loss`."""

from .laws import LAWS
from .library import Library, Subject
from .report import Broken, Report, check_loss

__all__ = ["LAWS", "Broken", "Library", "Report", "Subject", "check_loss"]
