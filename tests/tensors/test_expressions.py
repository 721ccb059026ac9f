"""Expressions as graphs."""

import pytest
import torch

from course_lib.tensors.expressions import FUNCTIONS, MOST_NODES, parse
from course_lib.tensors.graph import Session

FEEDS = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([0.5, -1.0])}


@pytest.mark.parametrize(
    "text",
    ["a", "3", "(a + b) * (a + b) + 2 * 3", "-a / 4 - +b", "a ** 2", "sum(a * b)"]
    + [f"{name}(a * a + 1)" for name in FUNCTIONS],
)
def test_an_expression_is_what_it_says(text):
    expression = parse(text)
    with Session(expression.graph) as session:
        found = session.run(expression.result, {node: FEEDS[name] for name, node in expression.holes.items()})
    names = {name: getattr(torch, name) for name in FUNCTIONS}
    torch.testing.assert_close(found, torch.as_tensor(eval(text, names | FEEDS)).float())


def test_what_is_written_twice_is_there_twice():
    kinds = [node.operation.name for node in parse("(a + b) * (a + b)").graph.nodes]
    assert kinds.count("add") == 2 and kinds.count("placeholder") == 2


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "is no expression"),
        ("a +", "is no expression"),
        ("a @ b", r"sum\(a \* b\)"),
        ("a ** 3", "cannot be a node"),
        ("open('x')", "cannot be a node"),
        ("tanh", "cannot be a node"),
        ("tanh(a, b)", "cannot be a node"),
        ("a if b else a", "cannot be a node"),
        ("True", "cannot be a node"),
        ("a" * 201, "201 letters"),
        ("+".join("a" * 62), f"{MOST_NODES} is the most"),
        ("(" * 150, "is no expression"),
    ],
)
def test_what_cannot_be_read_is_said(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)
