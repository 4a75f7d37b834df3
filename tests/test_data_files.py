"""Arrays from npy and csv files: what is read, and what is said of a file that cannot be."""

import pickle
import struct

import numpy as np
import pytest

from arraylosses.data.files import read_array

pytestmark = pytest.mark.backend("numpy")


def npy(shape: str, dtype: str = "'<f8'", content: bytes = bytes(80)) -> bytes:
    """A file in version 1.0 of NumPy's format, whose header says anything."""
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


BROKEN = "it is truncated or broken: its header does not fit what follows"
NO_NPY = "it is no array in NumPy's .npy format, as numpy.save writes it, and its name ends in no .csv"
ARCHIVE = "it is an archive, of arrays or a workbook; give one array, as numpy.save writes it, or a .csv"


NUMBERED = "its first line numbers the columns; pandas writes no such line by to_csv(index=False, header=False)"
NAMES = "; number the classes from 0 in the place of their names"
INDEX = "its first field is empty, as above an index; pandas writes none by to_csv(index=False, header=False)"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy("(1000000000000,)"), BROKEN),
        (npy("(1099511627776, 1099511627776)"), BROKEN),
        (npy("(20,)"), BROKEN),
        (npy("(-5,)"), BROKEN),
        (npy("'abc'"), BROKEN),
        (npy(f"({'(' * 5000}{')' * 5000})"), BROKEN),
        (npy(f"(1{'0' * 5000},)"), BROKEN),
        (npy("__import__('os').abort()"), BROKEN),
        (b"\x93NUMPY\x01\x00\xff\xffabc", BROKEN),
        (b"\x93NUMPY\x09\x00\xff\xffabc", BROKEN),
        (b"", NO_NPY),
        (b"1, 2, 3", NO_NPY),
        (pickle.dumps([1.0, 2.0]), NO_NPY),
        (b"PK\x03\x04", ARCHIVE),
        (npy("(2,)", "'|O'"), "it holds Python objects, which are not loaded; it must hold numbers or booleans"),
        (npy("(2,)", "[('a', '<f8')]"), "it must hold numbers or booleans, got [('a', '<f8')]"),
        (npy("(2,)", "'<U3'"), "it must hold numbers or booleans, got <U3"),
        (npy("(2,)", "'<c16'"), "it must hold numbers or booleans, got complex128"),
        (npy("(2,)", "'<M8[s]'"), "it must hold numbers or booleans, got datetime64[s]"),
    ],
    ids=["giant", "beyond all memory", "truncated", "negative", "no shape", "deep", "endless number", "code",
         "no header", "version", "empty", "text", "pickle", "archive", "objects", "records", "strings", "complex",
         "dates"],
)  # fmt: skip
@pytest.mark.filterwarnings("always")
def test_broken_npy_is_refused_in_a_line(tmp_path, recwarn, content, message):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot read") as caught:
        read_array(path)
    assert str(caught.value) == f"cannot read {str(path)!r}: {message}"
    assert not recwarn.list


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2", "<i8", ">i4", "|u1", "|b1"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)], ids=str)
def test_npy_is_read_as_it_was_saved(tmp_path, dtype, shape):
    saved = (np.arange(6.0)[: int(np.prod(shape))].reshape(shape) % 2).astype(dtype)
    np.save(tmp_path / "x.npy", saved)
    read = read_array(tmp_path / "x.npy")
    assert type(read) is np.ndarray
    assert read.dtype == saved.dtype.newbyteorder("=")
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, saved, strict=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5\n2\n", np.asarray([1.5, 2.0])),
        ("prediction\n1.5\n2\n", np.asarray([1.5, 2.0])),
        ("a,b\n1,2.5\n\n3,4\n", np.asarray([[1.0, 2.5], [3.0, 4.0]])),
        ("1,2,3\n", np.asarray([[1, 2, 3]])),
        ("label\n0\n2\n", np.asarray([0, 2])),
        ("\ufeff0\r\n-2\r\n", np.asarray([0, -2])),
        ('"1" , 2e3 \n', np.asarray([[1.0, 2000.0]])),
        ("keep\nTrue\nfalse\n", np.asarray([True, False])),
        ("inf\n-Infinity\nNaN\n", np.asarray([np.inf, -np.inf, np.nan])),
        ("0,1\n0.5,0.5\n", np.asarray([[0.0, 1.0], [0.5, 0.5]])),
        ("0,1,2\n2,0,1\n", np.asarray([[0, 1, 2], [2, 0, 1]])),
        ("9223372036854775808\n", np.asarray([2.0**63])),
    ],
    ids=[
        "plain",
        "header",
        "columns",
        "row",
        "integers",
        "mark and returns",
        "quotes",
        "booleans",
        "not finite",
        "certain of two",
        "labels of three",
        "large",
    ],
)
def test_csv_is_read_with_or_without_a_header(tmp_path, text, expected):
    (tmp_path / "x.CSV").write_text(text, encoding="utf-8", newline="")
    np.testing.assert_array_equal(read_array(tmp_path / "x.CSV"), expected, strict=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it holds no numbers"),
        (b"a,b\n", "it holds no numbers"),
        (b"1,2\n3\n", "line 2 has 1 columns, and the first line of numbers 2"),
        (b"1,2\n3,\n", "line 2 must hold numbers, got ''; nan stands for a number that is missing"),
        (b"0,1,2\n0.5,0.25,0.25\n", NUMBERED),
        (b'"1,000.5"\n2\n', "line 1 must hold numbers, got '1,000.5'; write it without separators of thousands"),
        (b"label\ncat\ndog\n", f"line 2 must hold numbers, got 'cat'{NAMES}"),
        (b",a\n0,2.5\n", INDEX),
        (b",0,1\n0,2.5,3.5\n", INDEX),
        (b"a,1\n2,3\n", f"line 1 must hold numbers, got 'a'{NAMES}"),
        (b"1_0\n2\n", "line 1 must hold numbers, got '1_0'"),
        (b"1;2\n3;4\n", "line 1 must hold numbers, got '1;2'; columns are separated by commas"),
        (b"a b\n1 2\n", "line 2 must hold numbers, got '1 2'; columns are separated by commas"),
        (b"1\n\0\n", "line 2 must hold numbers, got '\\x00'"),
        ("\u0661\n".encode(), "line 1 must hold numbers, got '\u0661'"),
        (b"true\n1\n", "it must hold numbers or booleans, not both, got 'true' beside numbers"),
        (b"1\n1e999\n", "it must hold numbers within float64's range, got '1e999'"),
        (b"9" * 5000, f"it must hold numbers within float64's range, got '{'9' * 40}...'"),
        (b"9" * 200_000, "field larger than field limit (131072)"),
        ("1\n".encode("utf-16"), "it is no text in UTF-8"),
        (b"caf\xe9\n1\n", "it is no text in UTF-8"),
    ],
    ids=["empty", "header", "ragged", "missing", "numbered columns", "thousands",
         "names", "index", "index and numbers", "mixed header", "underscore",
         "semicolons", "spaces", "null", "arabic",
         "mixed", "beyond float64", "endless", "longer than a field", "utf-16", "latin-1"],
)  # fmt: skip
def test_broken_csv_is_refused_in_a_line(tmp_path, content, message):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot read") as caught:
        read_array(path)
    assert str(caught.value) == f"cannot read {str(path)!r}: {message}"


@pytest.mark.parametrize("suffix", ["npy", "csv"])
def test_what_is_no_file_is_refused_in_a_line(tmp_path, suffix):
    with pytest.raises(ValueError, match="^cannot read .*: No such file or directory$"):
        read_array(tmp_path / f"missing.{suffix}")
    (tmp_path / f"folder.{suffix}").mkdir()
    with pytest.raises(ValueError, match="^cannot read .*: Is a directory$"):
        read_array(tmp_path / f"folder.{suffix}")
