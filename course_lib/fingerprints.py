"""The fingerprint of a computation: a hash of everything that decides its result, code included.

Code that stands in a file is hashed by its source, together with the sources that it imports; code that was typed into
a notebook by its compiled form, together with the globals that it names. Library code is known by name and version.
"""

import ast
import copyreg
import dis
import hashlib
import importlib.util
import sys
import sysconfig
import types
import weakref
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import psutil
import torch

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented), range)
_BOUND_IN_C = (types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType)
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_CACHED = type(cache(len))  # what functools.cache makes of a function
# What Python adds to a class by itself, and what changes nothing that the class does.
_NOT_OF_A_CLASS = {
    *("__dict__", "__weakref__", "__module__", "__doc__", "__annotations__", "__annotate__", "__annotate_func__"),
    *("__annotations_cache__", "__firstlineno__", "__static_attributes__", "__match_args__", "_abc_impl"),
}


class CannotHash(TypeError):
    """Something that decides the result cannot be hashed: a generator, an open file, a lock, a changed source."""


def fingerprint(*things: object) -> str:
    """Hash values, models, functions and classes by what they hold and by what they do.

    Two equal fingerprints mean: the same data, bit by bit, and the same code. It is the same in every process.

    Returns:
        64 hexadecimal digits (SHA-256)

    Raises:
        CannotHash: one of the things, or something that it uses, cannot be hashed.
    """
    hasher = _Hasher()
    try:
        hasher.add(things)
    except RecursionError:
        raise CannotHash("what it uses is nested too deeply") from None
    return hasher.hash.hexdigest()


class _Hasher:
    """Walks through things and what they refer to; each is written once, then referred to by its number."""

    def __init__(self):
        self.hash = hashlib.sha256()
        self.seen: dict[int, tuple[int, object]] = {}  # holds the things too, lest an id be used again
        self.sources: set[str] = set()

    def write(self, kind: str, content: bytes | str = b"") -> None:
        content = content.encode() if isinstance(content, str) else content
        self.hash.update(f"{kind} {len(content)} ".encode())  # with its length: no two things look the same
        self.hash.update(content)

    def add(self, thing: object) -> None:
        if type(thing) in _PLAIN:
            return self.write(type(thing).__name__, repr(thing))
        if type(thing) is tuple:  # not remembered: Python shares equal constants as it likes
            return self.add_all("tuple", thing)
        if id(thing) in self.seen:
            return self.write("seen", str(self.seen[id(thing)][0]))
        self.seen[id(thing)] = len(self.seen), thing
        match thing:
            case torch.Tensor():
                self.add_tensor(thing)
            case np.ndarray():
                self.add_array(thing)
            case type():
                self.add_class(thing)
            case types.FunctionType():
                self.add_function(thing)
            case types.ModuleType():
                self.add_module(thing.__name__)
            case types.CodeType():
                self.add_code(thing)
            case types.MethodType():
                self.add_all("method", [thing.__func__, thing.__self__])
            case types.BuiltinFunctionType():
                self.add_all("builtin", [thing.__name__, thing.__self__])
            case weakref.ref():
                self.add_all("weakref", [thing()])
            case torch.Generator():
                self.add_all("generator", [thing.get_state()])
            case cached_property():
                self.add_all("cached_property", [thing.func])
            case property():
                self.add_all("property", [thing.fget, thing.fset, thing.fdel])
            case staticmethod() | classmethod():
                self.add_all(type(thing).__name__, [thing.__func__])
            case _ if type(thing) is list:
                self.add_all("list", thing)
            case _ if type(thing) in (dict, types.MappingProxyType):
                self.add_all("dict", [part for item in thing.items() for part in item])
            case _ if type(thing) in (set, frozenset):
                self.add_all(type(thing).__name__, sorted(map(fingerprint, thing)))  # differs between processes
            case _ if type(thing) in _BOUND_IN_C:
                self.add_all("descriptor", [thing.__objclass__, thing.__name__])
            case _ if type(thing) in _SLOTS:
                self.write("slot", thing.__name__)
            case _ if type(thing) is _CACHED:
                self.add_all("cache", [thing.__wrapped__])
            case _:
                self.add_object(thing)

    def add_all(self, kind: str, things) -> None:
        things = list(things)
        self.write(kind, str(len(things)))
        for thing in things:
            self.add(thing)

    def add_object(self, thing: object) -> None:
        """Anything else by what pickle would keep of it."""
        try:
            reduce = copyreg.dispatch_table.get(type(thing))
            reduced = reduce(thing) if reduce else thing.__reduce_ex__(2)
        except Exception as error:
            raise CannotHash(f"a {type(thing).__name__} cannot be hashed") from error
        if isinstance(reduced, str):
            return self.add_all("global", [type(thing), reduced])
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        self.add_all("object", [make, arguments, state, list(items or ()), list(pairs or ())])

    def add_tensor(self, tensor: torch.Tensor) -> None:
        try:
            content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
            raise CannotHash(f"a tensor of layout {tensor.layout} on {tensor.device} cannot be hashed") from error
        self.write("tensor", f"{tensor.dtype} {tuple(tensor.shape)} {tensor.requires_grad}")
        self.write("bytes", content)

    def add_array(self, array: np.ndarray) -> None:
        self.write("array", f"{array.dtype} {array.shape}")
        if array.dtype.hasobject:
            self.add(array.tolist())
        else:
            self.write("bytes", array.tobytes())

    def add_module(self, name: str) -> None:
        """A module by its sources if it is ours, all of them if it is a package, else by name and version."""
        self.write("module", name)
        if _is_library(name):
            top = sys.modules.get(name.partition(".")[0])
            return self.write("version", str(getattr(top, "__version__", "")))
        if _file(name) is None:
            raise CannotHash(f"the module {name} has no source file")
        self.add_sources(name)
        if spec := importlib.util.find_spec(name):
            for folder in map(Path, spec.submodule_search_locations or ()):
                for file in sorted(folder.rglob("*.py")):
                    inside = file.relative_to(folder).with_suffix("").parts
                    self.add_sources(".".join([name, *(part for part in inside if part != "__init__")]))

    def add_sources(self, name: str) -> None:
        """The source of one of our modules, and of those of ours that it imports."""
        if name in self.sources:  # and so are those that it imports
            return
        for module, source in _sources(name).items():
            if module not in self.sources:
                self.sources.add(module)
                self.write(module, source)

    def add_class(self, cls: type) -> None:
        self.write("class", cls.__qualname__)
        if _stands_in_a_module(cls):
            return self.add_module_of(cls)
        self.add(cls.__bases__)
        self.add(type(cls))
        for name, value in sorted(vars(cls).items()):
            if name not in _NOT_OF_A_CLASS:
                self.write("attribute", name)
                self.add(value)

    def add_function(self, function: types.FunctionType) -> None:
        self.write("function", function.__qualname__)
        if _stands_in_a_module(function):
            return self.add_module_of(function)
        self.add(function.__code__)
        self.add(function.__defaults__)
        self.add(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            self.add_all("cell", [cell.cell_contents] if cell != types.CellType() else [])
        for name in sorted(set(_globals_named(function.__code__))):
            if name in function.__globals__:
                self.write("global", name)
                self.add(function.__globals__[name])
        self.add(vars(function))

    def add_module_of(self, thing: type | types.FunctionType) -> None:
        if _file(thing.__module__):
            self.add_sources(thing.__module__)
        else:
            self.add_module(thing.__module__)

    def add_code(self, code: types.CodeType) -> None:
        """Compiled code without its place in the file, so that moving a cell changes nothing."""
        self.write("code", code.co_code)
        self.write("table", getattr(code, "co_exceptiontable", b""))
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        self.add((code.co_consts, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, counts))


def _stands_in_a_module(thing: type | types.FunctionType) -> bool:
    """Can it be had by importing it? Not what a notebook or a function made."""
    name = thing.__module__ or ""
    if _is_library(name) and isinstance(thing, type):  # many of those written in C go by another name
        return True
    found = sys.modules.get(name) if _is_library(name) or _file(name) else None
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is thing


@cache
def _library_folders() -> tuple[Path, ...]:
    return tuple({Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib")})


def _is_library(name: str) -> bool:
    """Is the module installed or built in, and so known by name and version?"""
    top = name.partition(".")[0]
    if top in ("__main__", __package__):  # this package is ours, wherever it is installed
        return False
    return _is_of_library(_origin(top) or _origin(name) or "")  # the whole answers for its parts


@cache
def _is_of_library(origin: str) -> bool:
    if origin in ("built-in", "frozen") or {"site-packages", "dist-packages"} & set(Path(origin).parts):
        return True
    return bool(origin) and any(Path(origin).is_relative_to(folder) for folder in _library_folders())


def _file(name: str) -> Path | None:
    """The source file of a module of ours, None for a library's or a notebook's."""
    if name == "__main__" or _is_library(name):
        return None
    origin = _origin(name) or ""
    return Path(origin) if origin.endswith(".py") else None


def _origin(name: str) -> str | None:
    """The file of a module, imported already or not; built-in or frozen; None if it has none."""
    try:
        module = sys.modules.get(name)
        spec = importlib.util.find_spec(name) if module is None else getattr(module, "__spec__", None)
    except (ImportError, ValueError):
        return None
    file = getattr(module, "__file__", None) or getattr(spec, "origin", None)
    return _resolved(file) if file else file


@cache
def _resolved(file: str) -> str:
    """Without links; unchanged if there is no such file."""
    return str(Path(file).resolve()) if Path(file).exists() else file


def _sources(name: str) -> dict[str, bytes]:
    """Module -> source, of one of our modules and those of ours that it imports, directly or through others.

    Raises:
        CannotHash: a source is gone, or was changed after this process began, which may run the older one.
    """
    found: dict[str, bytes] = {}
    waiting = [name]
    while waiting:
        name = waiting.pop()
        file = _file(name)
        if file is None or name in found:
            continue
        try:
            source, changed = file.read_bytes(), file.stat().st_mtime
        except OSError as error:
            raise CannotHash(f"{file.name} cannot be read") from error
        if changed > _began():
            raise CannotHash(f"{file.name} changed while Python ran; restart the kernel")
        found[name] = source
        waiting += _imports(name, source, file.name == "__init__.py")
    return dict(sorted(found.items()))


@cache
def _began() -> float:
    """When this process began; Linux knows it to the second, so up to one second late rather than early."""
    return psutil.Process().create_time() + 1


@cache
def _imports(name: str, source: bytes, is_package: bool) -> list[str]:
    """The modules that a module imports anywhere in its source, as far as the names tell."""
    package = name if is_package else name.rpartition(".")[0]
    modules: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            modules += [start, *(f"{start}.{alias.name}" for alias in node.names)]  # a name may be a module
    return modules


def _globals_named(code: types.CodeType) -> Iterator[str]:
    """The global names that a function's code reads, the functions inside it included."""
    yield from (step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals_named(constant)
