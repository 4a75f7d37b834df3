"""The laws that every loss keeps, for anybody's loss: `check_loss`."""

from .laws import LAWS
from .report import Broken, Report, check_loss

__all__ = ["LAWS", "Broken", "Report", "check_loss"]
