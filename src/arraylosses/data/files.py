"""Arrays from files: NumPy's .npy format, or numbers separated by commas."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

__all__ = ["read_array"]

AnyArray: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


def read_array(path: Path) -> AnyArray:
    """Read an array from a file: csv by that suffix, and otherwise npy.

    A csv file holds a number, or true or false, in each field, with or without a line of names above them. One column
    is an array of one axis, and several are rows. All integers make an int64 array, all booleans one of bool.

    Raises
    ------
    ValueError
        In one line, if the file cannot be read or holds anything else.
    """
    try:
        return _read_csv(path) if path.suffix.lower() == ".csv" else _read_npy(path)
    except MemoryError:
        reason = "it does not fit into memory"
    except UnicodeDecodeError:
        reason = "it is no text in UTF-8"
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, csv.Error) as error:
        reason = str(error)
    raise ValueError(f"cannot read {str(path)!r}: {reason}")


def _read_npy(path: Path) -> AnyArray:
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"PK"):
        raise ValueError(
            "it is an archive, of arrays or a workbook; give one array, as numpy.save writes it, or a .csv"
        )
    if start != b"\x93NUMPY":
        raise ValueError("it is no array in NumPy's .npy format, as numpy.save writes it, and its name ends in no .csv")
    try:
        # Mapped, a file that is shorter than it says is refused before any memory is asked for.
        with np.errstate(all="raise"):
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a broken header makes NumPy raise nearly anything
        if "Python objects" in str(error) or "Object arrays" in str(error):
            raise ValueError(
                "it holds Python objects, which are not loaded; it must hold numbers or booleans"
            ) from None
        raise ValueError("it is truncated or broken: its header does not fit what follows") from None
    if mapped.dtype.kind not in "fiub":
        raise ValueError(f"it must hold numbers or booleans, got {mapped.dtype}")
    return np.array(mapped, dtype=mapped.dtype.newbyteorder("="))


def _read_csv(path: Path) -> AnyArray:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        rows = [(reader.line_num, [field.strip() for field in row]) for row in reader if any(map(str.strip, row))]
    if rows and not rows[0][1][0]:
        raise ValueError(
            "its first field is empty, as above an index; pandas writes none by to_csv(index=False, header=False)"
        )
    if rows and not any(map(_is_like_a_value, rows[0][1])):
        del rows[0]  # the names of the columns
    if not rows:
        raise ValueError("it holds no numbers")
    columns = len(rows[0][1])
    counted = [str(k) for k in range(columns)] == rows[0][1]
    if counted and columns > 2 and not all(_INTEGER.fullmatch(field) for _, fields in rows for field in fields):
        raise ValueError(
            "its first line numbers the columns; pandas writes no such line by to_csv(index=False, header=False)"
        )
    for line, fields in rows:
        if len(fields) != columns:
            raise ValueError(f"line {line} has {len(fields)} columns, and the first line of numbers {columns}")
        for field in fields:
            if not _is_value(field):
                raise ValueError(f"line {line} must hold numbers, got {_shortened(field)}{_mended(field)}")
    table = np.asarray(_values([field for _, fields in rows for field in fields]))
    return table if columns == 1 else table.reshape(-1, columns)


def _mended(field: str) -> str:
    """Return how to mend a field that is no value, where the mistake is common."""
    if not field:
        return "; nan stands for a number that is missing"
    if re.search(r"\d[;\t ]", field):
        return "; columns are separated by commas"
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", field):
        return "; write it without separators of thousands"
    return "; number the classes from 0 in the place of their names" if field.isalpha() else ""


def _is_like_a_value(field: str) -> bool:
    """Whether a field is a value or one with a mistake in it, and so no name of a column."""
    return _is_value(field) or re.match(r"[+-]?\.?\d", field) is not None


def _is_value(field: str) -> bool:
    return field.lower() in _BOOLEANS or _NUMBER.fullmatch(field) is not None


def _values(fields: list[str]) -> list[bool] | list[int] | list[float]:
    if all(field.lower() in _BOOLEANS for field in fields):
        return [_BOOLEANS[field.lower()] for field in fields]
    if all(_INTEGER.fullmatch(field) for field in fields):
        return [int(field) for field in fields]
    return [_float(field) for field in fields]


def _float(field: str) -> float:
    if field.lower() in _BOOLEANS:
        raise ValueError(f"it must hold numbers or booleans, not both, got {field!r} beside numbers")
    value = float(field)
    if math.isinf(value) and "inf" not in field.lower():
        raise ValueError(f"it must hold numbers within float64's range, got {_shortened(field)}")
    return value


def _shortened(field: str) -> str:
    return repr(field if len(field) <= 40 else f"{field[:40]}...")
