"""Notebooks as files: executed, tidied, searched for answers, carried over to a new version, opened."""

import sys

# nbformat checks notebooks with jsonschema, which learns the grammar of international addresses if it finds a library
# of it. That takes as long as importing PyTorch, and no notebook holds such an address.
_SLOW = "rfc3987_syntax"
if _SLOW not in sys.modules and "jsonschema" not in sys.modules:
    sys.modules[_SLOW] = None  # as if it were not installed
    import jsonschema  # noqa: F401
    del sys.modules[_SLOW]
