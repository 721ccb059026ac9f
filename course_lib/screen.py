"""What is told to whoever sits at the screen, and is no result: sentences and progress bars.

In a notebook these outputs are marked transient, so that they can be taken out of what is committed.
"""

import html
import os
import sys

from tqdm import tqdm

TRANSIENT = {"course": "transient"}


def say(sentence: str, *, progress: bool = False) -> None:
    """Show a sentence in the notebook, else on standard error.

    Args:
        sentence: what to say.
        progress: it belongs to the progress display: only in a notebook, and not under TQDM_DISABLE.
    """
    if progress and (not in_notebook() or os.environ.get("TQDM_DISABLE")):
        return
    if in_notebook():
        from IPython.display import display

        display({"text/plain": sentence}, raw=True, metadata=TRANSIENT)
    else:
        print(sentence, file=sys.stderr)


def progress_bar(**settings) -> tqdm:
    """A bar that leaves nothing behind, in a notebook neither a widget; TQDM_DISABLE hides it.

    Args:
        settings: what tqdm takes: `total`, `desc`, `unit`, ...
    """
    if in_notebook():
        settings = {"file": _NotebookLine(), "ncols": 90} | settings
    return tqdm(leave=False, **settings)


def in_notebook() -> bool:
    """Does this run in a Jupyter kernel? IPython on a terminal is a terminal."""
    return "IPython" in sys.modules and hasattr(sys.modules["IPython"].get_ipython(), "kernel")


class _NotebookLine:
    """A file for tqdm to write to: one line of the output that is replaced by what is written, and empty in the end.

    tqdm's own bar for notebooks is a widget, which a saved notebook shows as it began, or as a model that is not found.
    """

    def __init__(self):
        self.output = None  # made when there is something to show

    def write(self, text: str) -> None:
        from IPython.display import display

        text = text.strip()  # tqdm moves the cursor and wipes with blanks
        line = f"<pre>{html.escape(text)}</pre>" if text else ""  # an empty line of text would keep its height
        content = {"text/plain": text, "text/html": line}
        if self.output is None:
            self.output = display(content, raw=True, metadata=TRANSIENT, display_id=True)
        else:
            self.output.update(content, raw=True, metadata=TRANSIENT)

    def flush(self) -> None:
        """Nothing waits."""
