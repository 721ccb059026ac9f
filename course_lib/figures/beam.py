"""The picture of a beam search: the tree of the texts that it tried, and the table of those that it found."""

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels, fitting, width_of
from course_lib.figures.style import BLUE, GREY, INK, VERMILLION

WIDTH, HEIGHT = 880, 600  # screen pixels
TOP, BOTTOM = 36, 446  # of the tree
LEFT, ROOT = 14, 104  # where the prompt stands, and how wide it may be
EDGE, WORD = 24, 72  # room for the lines before a column's words, and for a word
KEPT_ROW, PRUNED_ROW, BETWEEN = 22, 13.5, 5  # heights: of a kept text, of a pruned one, between those of two parents
CROWDED = 90  # nodes, above which the pruned ones stand without their numbers
PALE = "#AAAAAA"
TABLE, ROW = 470, 18  # the table's head, a row's height
COLUMNS = (36, 560, 640, 740, 862)  # the texts' left edge, the numbers' right edges
NUMBERS = ("words", "log P", "score", "P : P of greedy")
RANKS = "①②③④⑤"


def build_beam(figure: Figure) -> dict:
    """Make the tree and the table; the artists that move come back by name.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
    """
    paper = figure.add_axes((0, 0, 1, 1))  # counts screen pixels from the left and from the top
    paper.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    paper.axis("off")
    paper.plot([LEFT, WIDTH - 14], [TABLE + 10] * 2, color=GREY, lw=0.7)
    names = ((LEFT, "━ the result", VERMILLION), (112, "╌ the greedy path", BLUE), (244, "─ kept", INK),
             (304, "thin: pruned", GREY), (WIDTH - 14, "numbers: log P of the text up to there", GREY))  # fmt: skip
    for x, text, color in names:
        side = "left" if x < WIDTH / 2 else "right"
        figure.text(x / WIDTH, 1 - 15 / HEIGHT, text, color=color, va="center", ha=side)

    def lines(color: str, width: float, **style) -> LineCollection:
        return paper.add_collection(LineCollection([], colors=color, lw=width, **style), autolim=False)

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
            root), `word`, `logprob`, `depth`, `kept`, `on_result`, `on_greedy`, `rank` (of the text that ends there,
            from 0, or None); `length`, how deep the tree may be; `found`, the texts, best first, a dict each: `text`,
            `words`, `logprob`, `score`, `ratio` to the greedy text's probability; `greedy`, likewise.
    """
    nodes = data["nodes"]
    heights, columns = _heights(nodes)
    width = (WIDTH - 10 - LEFT - ROOT) / data["length"]
    labels, lines = [], {"pruned": [], "kept": [], "result": [], "greedy": []}
    ends = {0: _show_prompt(data["prompt"], heights[0], labels)}
    for depth, column in enumerate(columns):
        x = LEFT + ROOT + EDGE + depth * width
        fork = max(ends.values()) + 3  # where the lines part: past all words of the column before, so none is crossed
        before, ends = ends, {}
        for n in column:
            node, parent = nodes[n], nodes[n]["parent"]
            with_value = _strong(node) or len(nodes) <= CROWDED
            ends[n] = _show_node(node, x, heights[n], width - EDGE, labels, with_value)
            line = [(before[parent] + 3, heights[parent]), (fork, heights[parent]), (x - 4, heights[n])]
            lines["result" if node["on_result"] else "kept" if node["kept"] else "pruned"].append(line)
            if node["on_greedy"]:
                lines["greedy"].append(line)
    for kind, segments in lines.items():
        artists[kind].set_segments(segments)
    _show_table(data, labels)
    artists["labels"].show(labels)


def _heights(nodes: list[dict]) -> tuple[dict[int, float], list[list[int]]]:
    """How far from the top each node stands, and which stand in a column, from top to bottom.

    Children stand in the order of their parents, so that no lines cross.
    """
    children: dict[int, list[int]] = {}
    for number, node in enumerate(nodes[1:], start=1):
        children.setdefault(node["parent"], []).append(number)
    heights, columns, before = {0: (TOP + BOTTOM) / 2}, [], [0]
    while families := [
        sorted(children[n], key=lambda child: nodes[child]["logprob"], reverse=True) for n in before if n in children
    ]:
        before = [n for family in families for n in family]
        columns.append(before)
        rows = [KEPT_ROW if _strong(nodes[n]) else PRUNED_ROW for n in before]
        gaps = [gap for family in families for gap in (*[0] * (len(family) - 1), BETWEEN)]
        total = sum(rows) + sum(gaps) - BETWEEN
        scale = min(1.8, (BOTTOM - TOP) / total)
        y = (TOP + BOTTOM - scale * total) / 2
        for n, row, gap in zip(before, rows, gaps, strict=True):
            heights[n] = y + scale * row / 2
            y += scale * (row + gap)
    return heights, columns


def _strong(node: dict) -> bool:
    return node["kept"] or node["on_greedy"]


def _show_prompt(words: list[str], y: float, labels: list[Label]) -> float:
    """As much of the prompt's end as there is room for; returns where it ends."""
    shown = list(words)
    while len(shown) > 1 and width_of(_shortened(words, shown)) > ROOT:
        shown.pop(0)
    text = _shortened(words, shown) if words else "(beginning)"
    size = fitting(text, ROOT)
    labels.append(Label(LEFT, y, text, size=size))
    return LEFT + width_of(text, size)


def _shortened(words: list[str], shown: list[str]) -> str:
    return " ".join(shown if len(shown) == len(words) else ["…", *shown])


def _show_node(node: dict, x: float, y: float, room: float, labels: list[Label], with_value: bool) -> float:
    """A word, with the log-probability of the text that ends there; returns where it ends."""
    strong, bold = _strong(node), node["on_result"]
    color = VERMILLION if bold else BLUE if node["on_greedy"] else INK if strong else GREY
    size, small = (9.5, 8) if strong else (8, 7)
    value = f"{node['logprob']:.1f}".replace("-", "−") if with_value else ""
    if node["rank"] is not None and node["rank"] < len(RANKS):
        value += f" {RANKS[node['rank']]}"
    size = fitting(node["word"], room - width_of(value, small) - 8, size, bold)
    labels.append(Label(x, y, node["word"], color, bold=bold, size=size))
    x += width_of(node["word"], size, bold) + 4
    labels.append(Label(x, y, value, color, size=small))
    return x + width_of(value, small)


def _show_table(data: dict, labels: list[Label]) -> None:
    more = len(data["found"]) > len(RANKS)
    first = f"text found (the {len(RANKS)} best of {len(data['found'])})" if more else "text found"
    for x, title in zip(COLUMNS, (first, *NUMBERS), strict=True):
        labels.append(Label(x, TABLE, title, GREY, "left" if title == first else "right"))
    rows = [*zip(RANKS, data["found"], strict=False), ("╌", data["greedy"])]
    for number, (mark, row) in enumerate(rows):
        y, bold, greedy = TABLE + ROW * (number + 1) + 4, number == 0, number == len(rows) - 1
        color = VERMILLION if bold else BLUE if greedy else INK
        text = f"{row['text']}   (greedy)" if greedy else row["text"]
        labels.append(Label(LEFT, y, mark, color))
        labels.append(Label(COLUMNS[0], y, text, color, bold=bold, size=fitting(text, 470, bold=bold)))
        values = (f"{row['words']}", f"{row['logprob']:.2f}", f"{row['score']:.2f}", times(row["ratio"]))
        for x, value in zip(COLUMNS[1:], values, strict=True):
            labels.append(Label(x, y, value.replace("-", "−"), color, "right", bold))


def times(ratio: float) -> str:
    """How many times as probable: «31 ×», «0.4 ×»."""
    return f"{ratio:,.0f} ×" if ratio >= 9.95 else f"{ratio:.1f} ×" if ratio >= 0.095 else f"{ratio:.1g} ×"
