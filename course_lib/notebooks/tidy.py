"""An executed notebook as it may be committed: the same bytes each time, and readable where no kernel runs."""

import hashlib
import re

import nbformat
from nbformat import NotebookNode

RELEASED = "released"  # of a cell: the digest of its source as we wrote it; another source is the learner's doing
CELL_METADATA = (RELEASED, "collapsed", "deletable", "editable", "jp-MarkdownHeadingCollapsed", "jupyter", "tags")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {  # no version: it would change with every reader's Python
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


def tidy(notebook: NotebookNode) -> NotebookNode:
    """A copy without what differs from run to run or machine to machine; tidying twice changes nothing.

    Execution times, the language's version, cells that papermill put in, outputs marked {"course": "transient"} and all
    state of widgets go. Of a widget with a picture, the picture and its sentence stay. Cells are numbered in order.
    """
    notebook = nbformat.from_dict(notebook.copy())
    cells = [_tidy_cell(cell) for cell in notebook.cells if not _by_papermill(cell)]
    _number(cells)
    _name(cells)
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": LANGUAGE})


def as_text(notebook: NotebookNode) -> str:
    """The file's content."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def mark_released(notebook: NotebookNode) -> None:
    """Note in each cell what it holds as we wrote it, so that `course update` can tell what a learner wrote."""
    for cell in notebook.cells:
        cell.metadata[RELEASED] = digest(cell.source)


def is_as_released(cell: NotebookNode) -> bool:
    """Whether this cell holds what we wrote."""
    return cell.metadata.get(RELEASED) == digest(cell.source)


def digest(source: str) -> str:
    """A short name for a cell's source; spaces at its ends don't count."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:8]


def _by_papermill(cell: NotebookNode) -> bool:
    """Whether papermill put this cell in: parameters, or the marks of an error."""
    return bool({"injected-parameters", "papermill-error-cell-tag"} & set(cell.metadata.get("tags", [])))


def _tidy_cell(cell: NotebookNode) -> NotebookNode:
    metadata = {key: cell.metadata[key] for key in CELL_METADATA if cell.metadata.get(key) not in (None, [], {})}
    tidied = NotebookNode(cell | {"metadata": nbformat.from_dict(metadata)})
    if cell.cell_type == "code":
        tidied.outputs = _merge_streams([new for output in cell.outputs for new in _tidy_output(output)])
    return tidied


def _tidy_output(output: NotebookNode) -> list[NotebookNode]:
    metadata = output.get("metadata", {})
    if metadata.get("course") == "transient":
        return []
    if WIDGET_VIEW not in output.get("data", {}):
        return [output]
    if "text/markdown" in output.data:  # a widget that says in words what it would show
        still = {kind: output.data[kind] for kind in ("text/markdown", "text/plain") if kind in output.data}
        return [NotebookNode(output | {"data": still})]
    if "image/png" not in output.data:
        return []  # a control without a picture says nothing where no kernel runs
    sentence = output.data.get("text/plain", "")
    picture = NotebookNode(output | {"data": {"image/png": output.data["image/png"], "text/plain": sentence}})
    picture.metadata = metadata | {"image/png": {**metadata.get("image/png", {}), "alt": sentence}}
    return [picture, nbformat.v4.new_output("display_data", {"text/markdown": f"*{_literal(sentence)}*"})]


def _literal(sentence: str) -> str:
    """The sentence in Markdown that shows it as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>$|~])", r"\\\1", " ".join(sentence.split()))


def _merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """One output for what was printed in a row: into how many messages the kernel cut it is chance."""
    merged: list[NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            merged[-1] = NotebookNode(last | {"text": last.text + output.text})
        else:
            merged.append(output)
    return merged


def _number(cells: list[NotebookNode]) -> None:
    """Count executed cells from 1, in order; a cell that has not run stays without a number."""
    executed = [cell for cell in cells if cell.cell_type == "code" and cell.execution_count is not None]
    for count, cell in enumerate(executed, 1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count


def _name(cells: list[NotebookNode]) -> None:
    """Give an id, made from its place and source, to each cell that has none; others keep theirs."""
    for place, cell in enumerate(cells):
        if not cell.get("id"):
            cell.id = digest(f"{place} {cell.source}")
