"""The command `arraylosses`: how it starts, and how it ends."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; without typer and rich, say how to install them."""
    if any(importlib.util.find_spec(name) is None for name in ("typer", "rich")):
        return _refusal("the command line needs typer and rich: pip install typer rich")
    if sys.stdout is None:
        return _refusal("cannot write the output: it is closed")
    from .commands import RefusedError, run

    try:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # where Σ cannot be written, there is a question mark
        text, status = run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.write(text)
        sys.stdout.flush()
    except RefusedError as error:
        return _refusal(str(error))
    except MemoryError:
        return _refusal("there is not enough memory")
    except OSError as error:
        # What could not be written is dropped, or the interpreter would try again as it ends.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _refusal(f"cannot write the output: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130
    return status


def _refusal(message: str) -> int:
    line = " ".join(message.split())
    with contextlib.suppress(OSError, AttributeError):  # where it is closed, it is None
        sys.stderr.write(f"arraylosses: {line if len(line) <= 600 else f'{line[:400]} ... {line[-150:]}'}\n")
        sys.stderr.flush()
    return 2
