"""What the exercises of 1.3 promise beyond right answers and known mistakes."""

import copy
from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_lib.tensors.exercises.eager.control_flow import not_more, work
from course_lib.tensors.exercises.eager.layers import MODELS, layer_by_layer
from course_lib.tensors.exercises.eager.migration import given_program
from tests.exercises.verdicts import said, verdict_on


def assert_passes(id: str, **functions) -> None:
    """Full marks; else what is said is the message."""
    assert verdict_on(id, **functions).status == "passed", said(id, **functions)


def by_hooks_on_everything(model, x):
    """Hooks on every module, and the layers picked out afterwards."""
    outputs, handles = OrderedDict(), []
    names = {module: name for name, module in model.named_modules()}
    for module in names:
        handles.append(module.register_forward_hook(lambda m, _, out: outputs.update({names[m]: out.detach().clone()})))
    model(x)
    for handle in handles:
        handle.remove()
    return OrderedDict((name, out) for name, out in outputs.items() if not list(model.get_submodule(name).children()))


def by_a_global_hook(model, x):
    """One hook for all modules there are."""
    outputs, names = {}, {module: name for name, module in model.named_modules()}

    def hook(module, inputs, output):
        if module in names and not list(module.children()):
            outputs[names[module]] = output.clone()

    handle = nn.modules.module.register_module_forward_hook(hook)
    model(x)
    handle.remove()
    return outputs


def on_a_copy(model, x):
    """Whatever happens to a copy leaves the model as it was."""
    ours, outputs = copy.deepcopy(model), {}
    for name, layer in ours.named_modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda *args, name=name: outputs.update({name: args[2].clone()}))
    ours(x)
    return outputs


@pytest.mark.parametrize("record", [by_hooks_on_everything, by_a_global_hook, on_a_copy])
def test_there_is_more_than_one_way_to_listen(record):
    assert_passes("tensors.eager", record=record)


def by_other_forwards(model, x):
    """Right but for the end: the layers keep their new forward."""
    outputs = {}

    def wrap(name, layer):
        forward = layer.forward

        def listening(x):
            output = forward(x)
            outputs[name] = output.clone()
            return output

        layer.forward = listening

    for name, layer in list(model.named_modules()):
        if not list(layer.children()):
            wrap(name, layer)
    model(x)
    return dict(outputs)  # a later run does not show in it


def between_eval_and_train(model, x):
    model.eval()
    outputs = by_hooks_on_everything(model, x)
    model.train()
    return outputs


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (by_other_forwards, "your forwards replaced in the model came out as 4, wanted 0."),
        (between_eval_and_train, "your modules in another mode than before came out as 1, wanted 0."),
    ],
)
def test_a_model_that_is_not_as_it_was(record, told):
    found = verdict_on("tensors.eager", record=record)
    assert [part.name for part in found.parts if part.status == "failed"] == ["the model as it was"]
    assert told in said("tensors.eager", record=record)


def test_a_walk_is_right_wherever_the_model_is_a_chain():
    def walk(model, x):
        outputs = {}
        for name, layer in model.named_modules():
            if not list(layer.children()):
                outputs[name] = x = layer(x.clone())
        return outputs

    found = verdict_on("tensors.eager", record=walk)
    parts = {part.name: part.status for part in found.parts}
    assert parts["layer by layer"] == parts["layers in place"] == "passed" and parts["any model"] == "failed"


def test_the_reference_ends_with_what_the_model_returns():
    for make in MODELS.values():
        model = make()
        x = torch.randn(2, next(model.parameters()).shape[1] if isinstance(model, nn.Sequential) else 3)
        torch.testing.assert_close(list(layer_by_layer(model, x).values())[-1], model(x).detach())


def test_a_list_of_outputs_is_no_dict():
    found = said("tensors.eager", record=lambda model, x: [model(x)])
    assert "record should return a dict, and returned a list" in found


def newton_by_for_and_break(x, tol):
    y = torch.ones_like(x)
    for _ in range(1000):
        y = 0.5 * (y + x / y)
        if torch.all(torch.abs(y**2 - x) <= tol * x):
            break
    return y


def newton_by_its_steps(x, tol):
    """Ends when a step changes nothing to speak of, which is later than it need be."""
    old, y = x, (x + 1) / 2
    while bool(((y - old).abs() > tol * y).any()):
        old, y = y, (y + x / y) / 2
    return y


def newton_from_a_detached_y(x, tol):
    """Only the last step matters: cutting y off before each costs nothing."""
    y, c = x.detach().clone(), x.detach()
    while True:
        y = (y.detach() + x / y.detach()) / 2
        if torch.allclose(y.detach() ** 2, c, rtol=tol, atol=0):
            return y


def newton_in_numbers_with_one_step_in_tensors(x, tol):
    """The loop without autograd, and the last step with it."""
    with torch.no_grad():
        y = x.clone()
        while not ((y * y - x).abs() <= tol * x).all():
            y = y - (y * y - x) / (2 * y)
    return (y + x / y) / 2


@pytest.mark.parametrize(
    "newton_sqrt",
    [
        newton_by_for_and_break,
        newton_by_its_steps,
        newton_from_a_detached_y,
        newton_in_numbers_with_one_step_in_tensors,
    ],
)
def test_newton_may_be_written_in_many_ways(newton_sqrt):
    assert_passes("tensors.eager.control-flow", newton_sqrt=newton_sqrt)


def test_a_power_of_one_half_is_no_loop():
    found = said("tensors.eager.control-flow", newton_sqrt=lambda x, tol: x**0.5)
    assert "it asks PyTorch for hardly any operations: is there a loop, and is y a tensor in it?" in found
    assert "Which line of yours would you have to change" in found
    found = said("tensors.eager.control-flow", newton_sqrt=lambda x, tol: torch.sqrt(x))
    assert "your answer uses sqrt" in found


def test_a_loop_that_pytorch_does_not_see_is_told_apart_from_a_fixed_number_of_steps():
    def in_numpy(x, tol):
        given = x.detach().numpy()
        y = (given + 1) / 2
        while not (abs(y * y - given) <= tol * given).all():
            y = (y + given / y) / 2
        return torch.from_numpy(np.asarray(y))

    def in_floats(x, tol):
        y = given = float(x)
        while abs(y * y - given) > tol * given:
            y = (y + given / y) / 2
        return torch.tensor(y)

    assert verdict_on("tensors.eager.control-flow", newton_sqrt=in_numpy).symptom.startswith("a loop in NumPy's")
    for newton_sqrt in (in_numpy, in_floats):
        found = work(newton_sqrt, 1e8, 1e-6, 1.0, 1e-6)
        assert "hardly any" in not_more(found) and found != "as many"


@pytest.mark.parametrize("steps", [12, 25, 100])
def test_any_fixed_number_of_steps_is_recognised(steps):
    def fixed(x, tol):
        y = x
        for _ in range(steps):
            y = (y + x / y) / 2
        return y

    found = verdict_on("tensors.eager.control-flow", newton_sqrt=fixed)
    assert found.symptom == "a fixed number of steps, whatever x and tol are"


def test_a_root_that_forgot_x_is_recognised_however_it_forgot():
    @torch.no_grad()
    def unwatched(x, tol):
        return newton_by_for_and_break(x, tol)

    for newton_sqrt in (unwatched, lambda x, tol: newton_by_for_and_break(x.detach(), tol)):
        found = verdict_on("tensors.eager.control-flow", newton_sqrt=newton_sqrt)
        assert found.symptom == "an update that autograd cannot follow back to x"


def test_what_the_given_program_computes():
    first, second = given_program([24.0, 0.0], [0.75, 0.5], start=20.0)
    assert [float(value) for value in first] == [4, 21, 1]
    assert [float(value) for value in second] == [-21, 10.5, 2]


def watch_in_tensors(state, reading, keep):
    mean = torch.as_tensor(state.mean)
    surprise = torch.tensor(reading) - mean
    state.mean, state.runs = torch.lerp(torch.tensor(reading), mean, keep), state.runs + 1
    return surprise


def watch_by_the_surprise(state, reading, keep):
    surprise = reading - state.mean
    state.mean += (1 - keep) * surprise
    state.runs = state.runs + 1
    return surprise


def watch_from_the_old_state(state, reading, keep):
    old = SimpleNamespace(**vars(state))
    state.mean = keep * old.mean + (1 - keep) * reading
    state.runs = old.runs + 1
    return reading - old.mean


@pytest.mark.parametrize("watch", [watch_in_tensors, watch_by_the_surprise, watch_from_the_old_state])
def test_there_is_more_than_one_way_out_of_the_session(watch):
    assert_passes("tensors.eager.migration", watch=watch)


def test_a_default_argument_that_changes_is_recognised():
    def watch(state, reading, keep, kept={"mean": 0.0}):  # noqa: B006 (the mistake)
        surprise = reading - kept["mean"]
        kept["mean"] = keep * kept["mean"] + (1 - keep) * reading
        return surprise

    for _ in range(2):  # whatever it has kept from the first time
        found = verdict_on("tensors.eager.migration", watch=watch)
        assert found.symptom == "a mean that the function keeps for itself, one for all who call it"


class WithALoader:
    """Batches from a DataLoader, layers in a list."""

    def __init__(self, layers):
        self.layers = nn.ModuleList(layers)

    def run(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def compile(self, loss, optimiser):
        self.loss, self.optimiser = loss, optimiser(list(self.layers.parameters()))

    def fit(self, x, y, epochs, batch_size):
        self.layers.train()
        history = torch.zeros(epochs)
        for epoch in range(epochs):
            for batch in DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=False):
                self.optimiser.zero_grad()
                loss = self.loss(self.run(batch[0]), batch[1])
                loss.backward()
                self.optimiser.step()
                history[epoch] += loss.detach() * len(batch[0]) / len(x)
        return history

    def evaluate(self, x, y):
        return self.loss(self.predict(x), y)

    def predict(self, x):
        self.layers.eval()
        with torch.inference_mode():
            return self.run(x)


class AsAModule(nn.Module):
    """A module itself, whose mode is set, and set back."""

    def __init__(self, layers):
        super().__init__()
        self.network = nn.Sequential(*layers)

    def compile(self, loss, optimiser):
        self.loss, self.optimiser = loss, optimiser(self.parameters())

    def fit(self, x, y, epochs, batch_size):
        self.train()
        return [self.epoch(x.split(batch_size), y.split(batch_size)) / len(x) for _ in range(epochs)]

    def epoch(self, xs, ys):
        total = 0.0
        for x, y in zip(xs, ys, strict=True):
            loss = self.loss(self.network(x), y)
            loss.backward()
            self.optimiser.step()
            self.optimiser.zero_grad()
            total += float(loss) * len(x)
        return total

    @torch.no_grad()
    def evaluate(self, x, y):
        self.eval()
        loss = self.loss(self.network(x), y).item()
        self.train()
        return loss

    def predict(self, x):
        self.eval()
        outputs = self.network(x).detach()
        self.train()
        return outputs


@pytest.mark.parametrize("model", [WithALoader, AsAModule])
def test_the_interface_hides_how_it_is_done(model):
    assert_passes("tensors.high-level-api", Model=model)


def test_what_fit_and_predict_have_to_return():
    class Silent(AsAModule):
        def fit(self, x, y, epochs, batch_size):
            super().fit(x, y, epochs, batch_size)

    class InNumPy(AsAModule):
        def predict(self, x):
            return super().predict(x).numpy()

    assert "Does it end in `return`?" in said("tensors.high-level-api", Model=Silent)
    found = said("tensors.high-level-api", Model=InNumPy)
    assert "predict should return a tensor, and returned a ndarray" in found


def grad_by_unit_vectors(f, x, eps):
    x = x.double()
    units = torch.eye(x.numel(), dtype=torch.float64).view(-1, *x.shape)
    return torch.stack([(f(x + eps * e) - f(x - eps * e)) / (2 * eps) for e in units]).view(x.shape)


def grad_in_place_on_a_clone(f, x, eps):
    x, gradient = x.detach().clone().double(), torch.empty(x.shape, dtype=torch.float64)
    for place in torch.cartesian_prod(*map(torch.arange, x.shape)).view(x.numel(), -1).tolist() if x.ndim else [[]]:
        place = tuple(place)
        old = x[place].clone()
        x[place] = old + eps
        right = f(x)
        x[place] = old - eps
        gradient[place] = (right - f(x)) / (2 * eps)
        x[place] = old
    return gradient


@pytest.mark.parametrize("numeric_grad", [grad_by_unit_vectors, grad_in_place_on_a_clone])
def test_the_difference_may_be_taken_in_many_ways(numeric_grad):
    assert_passes("tensors.autodiff", numeric_grad=numeric_grad)


def grad_as_an_array(f, x, eps):
    return grad_by_unit_vectors(f, x, eps).numpy()


def test_an_array_serves_as_a_gradient():
    assert_passes("tensors.autodiff", numeric_grad=grad_as_an_array)
    as_list = said("tensors.autodiff", numeric_grad=lambda f, x, eps: grad_as_an_array(f, x, eps).tolist())
    assert "your gradient is a list of 2, wanted a tensor of shape (2,)" in as_list


def test_a_tolerance_that_grows_with_the_gradient_is_recognised():
    def agree(f, x, tol):
        auto = torch.autograd.functional.jacobian(f, x.double())
        return torch.allclose(auto, grad_by_unit_vectors(f, x.detach(), 1e-5), tol)

    found = verdict_on("tensors.autodiff", agree=agree)
    assert found.symptom == "a tolerance that grows with the gradient"


def agree_by_allclose(f, x, tol):
    x = x.detach().clone().double().requires_grad_()
    f(x).backward()
    return torch.allclose(x.grad, grad_by_unit_vectors(f, x.detach(), 1e-5), rtol=0, atol=tol)


def agree_in_the_type_that_comes(f, x, tol):
    """Autograd in float32 is near enough; only the differences need float64."""
    leaf = x.detach().clone().requires_grad_()
    (auto,) = torch.autograd.grad(f(leaf), leaf)
    return (auto - grad_in_place_on_a_clone(f, x, 1e-4)).abs().max() <= tol  # a tensor that is True or False


@pytest.mark.parametrize("agree", [agree_by_allclose, agree_in_the_type_that_comes])
def test_the_comparison_may_be_made_in_many_ways(agree):
    assert_passes("tensors.autodiff", agree=agree)


@pytest.mark.parametrize("eps", [1e-12, 1e-13, 1e-14])
@pytest.mark.parametrize("numeric_grad", [grad_by_unit_vectors, grad_in_place_on_a_clone])
def test_any_step_that_is_too_small_is_recognised_and_x_judged_for_itself(eps, numeric_grad):
    def agree(f, x, tol):
        leaf = x.detach().clone().requires_grad_()
        (auto,) = torch.autograd.grad(f(leaf), leaf)
        return bool((auto - numeric_grad(f, x.detach(), eps)).abs().max() <= tol)

    found = verdict_on("tensors.autodiff", agree=agree)
    assert found.symptom == "a step that is too small"
    assert [part.name for part in found.parts if part.status == "failed"] == ["where they agree"]
