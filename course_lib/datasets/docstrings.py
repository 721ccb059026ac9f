"""A larger English corpus: the docstrings of the installed scientific packages, sixty times the text of `english`."""

import ast
import warnings
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from joblib import Memory

from course_lib.datasets.english import English, dealt_out, once, tokenize
from course_lib.paths import cache_folder

PACKAGES = ("numpy", "scipy", "torch", "scikit-learn", "matplotlib", "sympy", "networkx")  # installed with the workbook


def load_docstrings(split: int = 0, min_count: int = 5, packages: tuple[str, ...] = PACKAGES) -> English:
    """The docstrings of installed packages, split by paragraphs; each paragraph is kept once.

    About 5.5 million tokens and 16,600 words. The first call reads the packages' source files, which takes a minute or
    two; what it finds is kept in the cache under the packages' versions, on which the text depends.

    Source: the packages themselves, under their own licences (all BSD-like); no text is copied into the repository.

    Args:
        split: which of the many ways to deal the paragraphs out.
        min_count: a word that the training text holds less often becomes `<unk>`.
        packages: names as `pip` knows them.

    Raises:
        ValueError: min_count below 1, a package that is not installed, or packages without docstrings.
    """
    if min_count < 1:
        raise ValueError(f"min_count must be at least 1, not {min_count}: every word is there at least once")
    versions = tuple((name, _version(name)) for name in packages)
    paragraphs = Memory(cache_folder() / "docstrings", verbose=0).cache(_paragraphs_of)(versions)
    if not paragraphs:
        raise ValueError(f"there is not one docstring in {', '.join(packages)}: name packages written in Python")
    source = f"the docstrings of {', '.join(' '.join(version) for version in versions)}"
    return dealt_out(paragraphs, split, min_count, source)


def docstrings(source: str) -> Iterator[str]:
    """The docstrings in a module's source: of itself, its classes and its functions; none if it is no Python."""
    try:
        with warnings.catch_warnings():  # others' source may hold «\\d» and the like
            warnings.simplefilter("ignore")
            waiting: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError):
        return
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if text := ast.get_docstring(node):
                yield text
            waiting += node.body
        elif isinstance(node, ast.If | ast.Try | ast.With):
            waiting += node.body


def _version(package: str) -> str:
    try:
        return distribution(package).version
    except PackageNotFoundError:
        raise ValueError(f"the package {package!r} is not installed here: install it, or leave it out") from None


def _paragraphs_of(versions: tuple[tuple[str, str], ...]) -> list[list[str]]:
    """Every paragraph once, as tokens with `<end>`; the versions are there for the cache."""
    return once((text for name, _ in versions for path in _modules(name) for text in docstrings(_read(path))), tokenize)


def _modules(package: str) -> Iterable[Path]:
    """The package's own source files, without its tests."""
    files = (path for path in distribution(package).files or () if path.suffix == ".py")
    return [Path(path.locate()) for path in sorted(files) if not {"tests", "testing", "test"} & set(path.parts)]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
