"""The picture of a beam search: the tree of the texts that it tried, and the table of those that it found."""

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels, fitting, width_of
from course_lib.figures.page import add_page, write
from course_lib.figures.style import BLUE, GREY, INK, VERMILLION

WIDTH, HEIGHT = 880, 600  # screen pixels
TOP, BOTTOM = 36, 446  # of the tree
LEFT, ROOT = 14, 104  # where the prompt stands, and how wide it may be
EDGE = 24  # room for the lines before a column's words
KEPT_ROW, PRUNED_ROW, BETWEEN = 22, 13.5, 5  # heights: of a kept text, of a pruned one, between those of two parents
CROWDED = 90  # nodes, above which the pruned ones stand without their numbers
PALE = "#AAAAAA"
TABLE, ROW = 470, 18  # the table's head, a row's height
TEXT_X = 36  # the texts' left edge
NUMBERS = {"words": 560, "log P": 640, "score": 740, "P : P of greedy": 862}  # the numbers' right edges
RANKS = "①②③④⑤"


def build_beam(figure: Figure) -> dict:
    """Make the tree and the table; the artists that move come back by name.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
    """
    page = add_page(figure)
    write(figure, LEFT, 15, "━ the result", color=VERMILLION)
    write(figure, 112, 15, "╌ the greedy path", color=BLUE)
    write(figure, 244, 15, "─ kept")
    write(figure, 304, 15, "thin: pruned", color=GREY)
    write(figure, WIDTH - 14, 15, "numbers: log P of the text up to there", color=GREY, ha="right")
    for title, x in NUMBERS.items():
        write(figure, x, TABLE, title, color=GREY, ha="right")
    page.plot([LEFT, WIDTH - 14], [TABLE + 10] * 2, color=GREY, lw=0.7)

    def lines(color: str, width: float, **look) -> LineCollection:
        return page.add_collection(LineCollection([], colors=color, lw=width, **look), autolim=False)

    return {
        "pruned": lines(PALE, 0.7),
        "kept": lines(GREY, 1.6),
        "result": lines(VERMILLION, 2.8),
        "greedy": lines(BLUE, 1.6, linestyles=[(0, (4, 2))]),
        "labels": Labels(figure),
    }


def update_beam(artists: dict, data: dict) -> None:
    """Show one search.

    Args:
        artists: what `build_beam` returned.
        data: `prompt`, its words; `nodes`, the root first, a dict each: `parent` (its number in the list, None for the
            root), `word`, `logprob`, `kept`, `on_result`, `on_greedy`, `rank` (of the text that ends there, from 0, or
            None); `length`, how deep the tree may be; `found`, the texts, best first, a dict each: `text`, `words`,
            `logprob`, `score`, `ratio` to the greedy text's probability; `greedy`, likewise.
    """
    artists["labels"].show([*_show_tree(artists, data), *_table(data)])


def _show_tree(artists: dict, data: dict) -> list[Label]:
    """Each text's words from left to right, and lines from word to word."""
    nodes = data["nodes"]
    columns, heights = _columns(nodes)
    width = (WIDTH - 10 - LEFT - ROOT) / data["length"]
    prompt = _prompt(data["prompt"], heights[0])
    labels, ends, lines = [prompt], {0: _end(prompt)}, {"pruned": [], "kept": [], "result": [], "greedy": []}
    for depth, column in enumerate(columns):
        x = LEFT + ROOT + EDGE + depth * width
        fork = max(ends.values()) + 3  # where the lines part: past all words of the column before, so none is crossed
        before, ends = ends, {}
        for n in column:
            node, parent = nodes[n], nodes[n]["parent"]
            here = _node(node, x, heights[n], width - EDGE, with_value=_strong(node) or len(nodes) <= CROWDED)
            labels += here
            ends[n] = _end(here[-1])
            line = [(before[parent] + 3, heights[parent]), (fork, heights[parent]), (x - 4, heights[n])]
            lines["result" if node["on_result"] else "kept" if node["kept"] else "pruned"].append(line)
            if node["on_greedy"]:
                lines["greedy"].append(line)
    for kind, segments in lines.items():
        artists[kind].set_segments(segments)
    return labels


def _columns(nodes: list[dict]) -> tuple[list[list[int]], dict[int, float]]:
    """Which nodes stand in a column, from top to bottom, and how far from the top each node stands.

    Children stand in the order of their parents, so that no lines cross.
    """
    children: dict[int, list[int]] = {}
    for n, node in enumerate(nodes[1:], start=1):
        children.setdefault(node["parent"], []).append(n)
    columns, heights, column = [], {0: (TOP + BOTTOM) / 2}, [0]
    while families := [
        sorted(children[n], key=lambda child: nodes[child]["logprob"], reverse=True) for n in column if n in children
    ]:
        column = [n for family in families for n in family]
        columns.append(column)
        rows = [KEPT_ROW if _strong(nodes[n]) else PRUNED_ROW for n in column]
        gaps = [gap for family in families for gap in (*[0] * (len(family) - 1), BETWEEN)]  # after each row
        total = sum(rows) + sum(gaps) - BETWEEN
        scale = min(1.8, (BOTTOM - TOP) / total)
        y = (TOP + BOTTOM - scale * total) / 2
        for n, row, gap in zip(column, rows, gaps, strict=True):
            heights[n] = y + scale * row / 2
            y += scale * (row + gap)
    return columns, heights


def _strong(node: dict) -> bool:
    return node["kept"] or node["on_greedy"]


def _end(label: Label) -> float:
    """Where a label that begins at its place ends, in pixels."""
    return label.x + width_of(label.text, label.size, label.bold)


def _prompt(words: list[str], y: float) -> Label:
    """As much of the prompt's end as there is room for."""
    text, left = " ".join(words) or "(beginning)", list(words)
    while len(left) > 1 and width_of(text) > ROOT:
        left = left[1:]
        text = " ".join(["…", *left])
    return Label(LEFT, y, text, size=fitting(text, ROOT))


def _node(node: dict, x: float, y: float, room: float, with_value: bool) -> list[Label]:
    """A word, and after it the log-probability of the text that ends there and that text's rank."""
    strong, bold = _strong(node), node["on_result"]
    color = VERMILLION if bold else BLUE if node["on_greedy"] else INK if strong else GREY
    size, small = (9.5, 8) if strong else (8, 7)
    value = f"{node['logprob']:.1f}".replace("-", "−") if with_value else ""
    if node["rank"] is not None and node["rank"] < len(RANKS):
        value += f" {RANKS[node['rank']]}"
    size = fitting(node["word"], room - width_of(value, small) - 8, size, bold)
    word = Label(x, y, node["word"], color, bold=bold, size=size)
    return [word, Label(_end(word) + 4, y, value, color, size=small)]


def _table(data: dict) -> list[Label]:
    """The best texts that were found, and below them the greedy one."""
    more = len(data["found"]) > len(RANKS)
    title = f"text found (the {len(RANKS)} best of {len(data['found'])})" if more else "text found"
    labels = [Label(TEXT_X, TABLE, title, GREY)]
    rows = [*zip(RANKS, data["found"], strict=False), ("╌", data["greedy"])]
    for number, (mark, row) in enumerate(rows):
        y, bold, greedy = TABLE + ROW * (number + 1) + 4, number == 0, number == len(rows) - 1
        color = VERMILLION if bold else BLUE if greedy else INK
        text = f"{row['text']}   (greedy)" if greedy else row["text"]
        labels.append(Label(LEFT, y, mark, color))
        labels.append(Label(TEXT_X, y, text, color, bold=bold, size=fitting(text, 470, bold=bold)))
        values = (f"{row['words']}", f"{row['logprob']:.2f}", f"{row['score']:.2f}", times(row["ratio"]))
        for x, value in zip(NUMBERS.values(), values, strict=True):
            labels.append(Label(x, y, value.replace("-", "−"), color, "right", bold))
    return labels


def times(ratio: float) -> str:
    """How many times as probable: «31 ×», «0.4 ×»."""
    return f"{ratio:,.0f} ×" if ratio >= 9.95 else f"{ratio:.1f} ×" if ratio >= 0.095 else f"{ratio:.1g} ×"
