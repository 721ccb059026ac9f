"""What the exercises of this section share: promises that an answer keeps or breaks."""

from collections.abc import Mapping


def broken(promises: Mapping[str, bool]) -> str:
    """The sentence for the first promise that is not kept; each is a statement that should be true."""
    return f"Wanted, and not so: {next(promise for promise, kept in promises.items() if not kept)}."
