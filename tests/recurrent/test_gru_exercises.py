"""What the exercises of 4.4 say to answers that are right in another way, or wrong in a way without a name."""

import pytest
import torch
from torch import nn

from course_lib.exercises import get
from course_lib.exercises.feedback import words
from course_lib.exercises.judge import judge
from course_lib.exercises.run import HereRunner


def said(id: str, answer) -> str:
    """All that is said about an answer, in one line."""
    exercise = get(id)
    verdict = judge(exercise, HereRunner({exercise.asked[0].name: answer}))
    return " ".join(words(verdict, times=2).split())


def passes(id: str, answer) -> bool:
    exercise = get(id)
    return judge(exercise, HereRunner({exercise.asked[0].name: answer})).status == "passed"


def parts(X, y):
    first, second = len(X) * 60 // 100, len(X) * 80 // 100
    return (X[:first], y[:first]), (X[first:second], y[first:second]), (X[second:], y[second:])


def tune_while_training(configs, X, y, fit, loss):
    """Keeps the best model as it goes, and also looks at the training loss."""
    train, validation, test = parts(X, y)
    best, best_model, lowest = None, None, float("inf")
    for config in configs:
        model = fit(config, *train)
        loss(model, *train)
        value = loss(model, *validation)
        if value < lowest:
            best, best_model, lowest = config, model, value
    return best, torch.tensor(loss(best_model, *test))


def test_a_choice_made_in_one_loop_is_right_too():
    assert passes("recurrent.lstm.training-pipeline", tune_while_training)


def with_slip(slip):
    """A right run in which one thing goes wrong: `slip` gets the three parts and returns them, changed."""

    def tune(configs, X, y, fit, loss):
        train, validation, test = slip(*parts(X, y))
        models = [fit(config, *train) for config in configs]
        values = [loss(model, *validation) for model in models]
        best = values.index(min(values))
        return configs[best], loss(models[best], *test)

    return tune


@pytest.mark.parametrize(
    ("slip", "sentence"),
    [
        (lambda a, b, c: ((a[0][1:], a[1][1:]), b, c), "fit saw 5 of the 6 training rows"),
        (lambda a, b, c: (a, b, (c[0][1:], c[1][1:])), "on some of the test rows, but not on all"),
        (lambda a, b, c: (a, (b[0], c[1]), c), "these belong to other rows"),
        (lambda a, b, c: (a, (b[0], a[1]), c), "X has 2, and y 6"),
        (lambda a, b, c: ((a[0] / 100, a[1]), b, c), "rows of X as they are"),
        (lambda a, b, c: (c, b, a), "fit saw row 9, one of the test rows"),
    ],
)
def test_a_slip_in_the_split_is_named(slip, sentence):
    assert sentence in said("recurrent.lstm.training-pipeline", with_slip(slip))


def test_a_choice_among_some_of_the_configs_is_not_enough():
    def first_only(configs, X, y, fit, loss):
        return tune_while_training(configs[:1], X, y, fit, loss)

    assert "fit was not called for {'degree': 0}" in said("recurrent.lstm.training-pipeline", first_only)


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda config, value: config, "should return two things"),
        (lambda config, value: (0, value), "Your best is a number, wanted a dict"),
        (lambda config, value: ({"degree": 9}, value), "none of the configs"),
        (lambda config, value: None, "returned None"),
    ],
)
def test_what_tune_returns_is_looked_at(returned, sentence):
    def tune(*inputs):
        return returned(*tune_while_training(*inputs))

    assert sentence.lower() in said("recurrent.lstm.training-pipeline", tune).lower()


def test_biases_may_be_shared_out_in_another_way():
    def flip(W_ih, W_hh, b_ih, b_hh):
        def turn(packed):
            r, z, n = packed.chunk(3)
            return torch.cat([r, -z, n])

        (r_x, z_x, n_x), (r_h, z_h, n_h) = b_ih.chunk(3), b_hh.chunk(3)
        biases = torch.cat([r_x, -z_x - z_h, n_x]), torch.cat([r_h, 0 * z_h, n_h])
        return turn(W_ih).double(), turn(W_hh), *biases

    assert passes("recurrent.gru.update-gate", flip)


def with_states(change):
    """A right stack whose last states are returned in another form."""

    def stack(cells, xs, states):
        states, outputs = list(states), []
        for x in xs:
            for layer, cell in enumerate(cells):
                states[layer] = cell(x, states[layer])
                x = states[layer][0]
            outputs.append(x)
        return change(torch.stack(outputs), states)

    return stack


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda outputs, states: outputs, "should return two things, the outputs and the list of last states"),
        (lambda outputs, states: (outputs, states[-1:]), "the list of last states has 1 entry, wanted 2, one a layer"),
        (lambda outputs, states: (outputs, [h for h, _ in states]), "entry 0 of the list of last states should be"),
        (lambda outputs, states: (outputs, states[0][0]), "should be a list of pairs (h, c), and are a Tensor"),
        (lambda outputs, states: (outputs, [(c, h) for h, c in states]), "your last h of layer 0 came out as [[1]]"),
        (lambda outputs, states: None, "returned None"),
    ],
)
def test_the_last_states_are_asked_for_in_words(change, sentence):
    assert sentence in said("recurrent.lstm.stacked", with_states(change))


def test_the_states_may_be_tuples_or_lists():
    assert passes("recurrent.lstm.stacked", with_states(lambda outputs, states: (outputs, tuple(map(list, states)))))


def prepared(lstm, forget_bias, put_into="bias_hh"):
    other = {"bias_ih": "bias_hh", "bias_hh": "bias_ih"}[put_into]
    size = lstm.hidden_size
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            for block in getattr(lstm, f"weight_hh_l{layer}").chunk(4):
                block.copy_(torch.eye(size))  # orthogonal too
            getattr(lstm, f"{put_into}_l{layer}")[size : 2 * size] = forget_bias
            getattr(lstm, f"{other}_l{layer}")[size : 2 * size] = 0
    return lstm


def test_any_orthogonal_matrix_and_either_bias_will_do():
    assert passes("recurrent.long-term", prepared)
    assert passes("recurrent.long-term", lambda lstm, forget_bias: prepared(lstm, forget_bias, "bias_ih"))


def test_the_lstm_is_handed_back():
    nothing = said("recurrent.long-term", lambda lstm, forget_bias: prepared(lstm, forget_bias) and None)
    assert "returned None" in nothing
    other = said("recurrent.long-term", lambda lstm, forget_bias: nn.Linear(1, 1))
    assert "should return the LSTM, and returned a Linear" in other
