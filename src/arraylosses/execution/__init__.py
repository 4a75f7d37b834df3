"""How a loss and its reduction run on arrays. `losses/` knows nothing of this."""

from .direct import Computable, run, run_with_derivatives

__all__ = ["Computable", "run", "run_with_derivatives"]
