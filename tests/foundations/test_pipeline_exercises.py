"""What the exercises of 2.7 promise beyond right answers and known mistakes."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.exercises.verdicts import right_functions, said, verdict_on

PIPELINE, PREPARE = "foundations.pipeline", "foundations.pipeline.preprocessing"


def assert_passes(id: str, **functions) -> None:
    """Full marks; else what is said is the message."""
    assert verdict_on(id, **functions).status == "passed", said(id, **functions)


# ------------------------------------------------------------------------------------------------------ preprocessing


def fit_in_numpy(x):
    x = x.numpy().astype(np.float64)
    std = x.std(axis=0)
    return x.mean(axis=0), np.where(std > 0, std, 1)


def apply_in_numpy(x, mean, std):
    return (x.numpy() - mean.numpy()) / std.numpy()


def weights_of(before, after):
    """The share of each old pixel in each new one: (after, before)."""
    place = ((torch.arange(after) + 0.5) * before / after - 0.5).clamp(0, before - 1)
    return (1 - (place[:, None] - torch.arange(before)).abs()).clamp(min=0)


def resize_by_matrices(images, height, width):
    *_, h, w = images.shape
    return weights_of(h, height) @ images @ weights_of(w, width).T


def resize_pixel_by_pixel(images, height, width):
    n, c, h, w = images.shape
    made = np.zeros((n, c, height, width))
    for i in range(height):
        for j in range(width):
            y, x = (i + 0.5) * h / height - 0.5, (j + 0.5) * w / width - 0.5
            top, left = int(np.floor(y)), int(np.floor(x))
            for row, down in ((top, 1 - (y - top)), (top + 1, y - top)):
                for column, right in ((left, 1 - (x - left)), (left + 1, x - left)):
                    pixel = images[:, :, min(max(row, 0), h - 1), min(max(column, 0), w - 1)]
                    made[:, :, i, j] += down * right * pixel.numpy()
    return made


def augment_by_rolling(images, labels, training, rng):
    if not training:
        return images.clone(), labels.clone()
    made = images.clone()
    for n in range(len(made)):
        down, right = rng.integers(-1, 2), rng.integers(-1, 2)
        made[n] = made[n].roll((int(down), int(right)), dims=(1, 2))
        if down:
            made[n, :, 0 if down > 0 else -1] = 0
        if right:
            made[n, :, :, 0 if right > 0 else -1] = 0
    return made, labels


def augment_in_numpy(images, labels, training, rng):
    images = images.numpy()
    if training:
        padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
        places = rng.choice(9, size=len(images))
        h, w = images.shape[2:]
        images = np.stack([p[:, k // 3 :, k % 3 :][:, :h, :w] for p, k in zip(padded, places, strict=True)])
    return images, labels.numpy()


@pytest.mark.parametrize(
    "functions",
    [
        {"fit_scaler": fit_in_numpy, "apply_scaler": apply_in_numpy},
        {"resize_bilinear": resize_by_matrices, "augment": augment_by_rolling},
        {"resize_bilinear": resize_pixel_by_pixel, "augment": augment_in_numpy},
    ],
)
def test_there_is_more_than_one_right_preparation(functions):
    assert_passes(PREPARE, **functions)


@pytest.mark.parametrize(
    "resize_bilinear",
    [
        lambda images, *size: F.interpolate(images, size, mode="bilinear"),
        lambda images, *size: nn.Upsample(size, mode="bilinear")(images),
        lambda images, *size: torch.ops.aten.upsample_bilinear2d(images, size, False),
    ],
)
def test_a_resizing_of_the_librarys_is_no_answer(resize_bilinear):
    assert verdict_on(PREPARE, resize_bilinear=resize_bilinear).symptom == "library used"


def test_an_augmentation_in_place_is_seen():
    def in_place(images, labels, training, rng):
        made, labels = augment_by_rolling(images, labels, training, rng)
        return images.copy_(made), labels

    assert verdict_on(PREPARE, augment=in_place).points < 5
    assert "changes images in place" in said(PREPARE, augment=in_place)


def test_a_mirror_is_told_as_a_share():
    def mirrored(images, labels, training, rng):
        return (images.flip(-1) if training else images), labels

    assert "share that is mirrored came out as 1, wanted 0" in said(PREPARE, augment=mirrored)


def test_a_scaler_that_forgets_the_constant_feature_is_told_by_hand():
    words = said(PREPARE, fit_scaler=lambda x: (x.mean(dim=0), x.std(dim=0, correction=0)))
    assert "fit_scaler(x=[[1, 5], [3, 5]]): your std came out as [1, 0], wanted [1, 1]" in words


# ---------------------------------------------------------------------------------------------------------- pipeline


class Net(nn.Module):
    """A scaler of its own, parameters that are not trained, and dropout as a function."""

    def __init__(self, x, config):
        super().__init__()
        self.middle = nn.Parameter(x.mean(dim=0), requires_grad=False)
        self.spread = nn.Parameter(x.std(dim=0), requires_grad=False)  # n - 1: near enough
        self.first = nn.Linear(x.shape[1], config["hidden_size"])
        self.last = nn.Linear(config["hidden_size"], config["classes"])
        self.p = config["dropout"]

    def forward(self, x):
        h = self.first((x - self.middle) / self.spread).relu()
        return self.last(F.dropout(h, self.p, self.training))


def by_mini_batches(raw, config, Net=Net):
    x, y = raw
    n = config["train"]
    model = Net(x[:n], config)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=config["learning_rate"])
    for _ in range(config["epochs"]):
        for batch in torch.randperm(n).split(16):
            optimiser.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
    with torch.inference_mode():
        probabilities = model.eval()(x[n:]).softmax(dim=-1)
    return model, {
        "mean": model.middle.numpy(),
        "std": model.spread.tolist(),
        "accuracy": np.mean(probabilities.argmax(dim=1).numpy() == y[n:].numpy()),
        "probabilities": probabilities.numpy(),
        "more": "may stand here",
    }


@pytest.mark.parametrize("seed", [0, 3])
def test_there_is_more_than_one_right_pipeline(seed):
    assert verdict_on(PIPELINE, seed=seed, run_pipeline=by_mini_batches).status == "passed", said(
        PIPELINE, run_pipeline=by_mini_batches
    )


def changed_report(**entries):
    right = right_functions(PIPELINE)["run_pipeline"]

    def run_pipeline(raw, config):
        model, report = right(raw, config)
        return model, {name: value for name, value in (report | entries).items() if value is not None}

    return run_pipeline


def test_what_is_missing_is_told():
    assert "Does it end in `return`?" in said(PIPELINE, run_pipeline=lambda raw, config: None)
    assert "run_pipeline should return two things" in said(PIPELINE, run_pipeline=lambda raw, config: nn.Identity())
    assert "the model should be an nn.Module" in said(PIPELINE, run_pipeline=lambda raw, config: (1, 2))
    words = said(PIPELINE, run_pipeline=changed_report(std=None))
    assert "the report has no entry 'std'; it has 'mean', 'accuracy', 'probabilities'" in words


def test_an_accuracy_that_is_too_good_is_seen():
    run_pipeline = changed_report(accuracy=1.0)
    assert verdict_on(PIPELINE, run_pipeline=run_pipeline).points == 4
    assert "not so: the accuracy in the report is the model's on the unseen rows" in said(
        PIPELINE, run_pipeline=run_pipeline
    )


def test_a_model_without_a_seed_is_seen():
    def unseeded(raw, config):
        torch.seed()
        return right_functions(PIPELINE)["run_pipeline"](raw, config)

    assert "not so: the same seed and the same rows make the same model" in said(PIPELINE, run_pipeline=unseeded)


def test_a_model_that_is_kept_between_calls_is_seen():
    kept = []

    def lazy(raw, config):
        if not kept:
            kept.append(right_functions(PIPELINE)["run_pipeline"](raw, config))
        return kept[0]

    assert verdict_on(PIPELINE, run_pipeline=lazy).points < 5


def test_a_scaler_that_is_reported_and_not_used_is_seen():
    """However well the network learns without it."""

    class Unscaled(Net):
        def forward(self, x):
            h = self.first(x / 1000).relu()
            return self.last(F.dropout(h, self.p, self.training))

    verdict = verdict_on(PIPELINE, run_pipeline=lambda raw, config: by_mini_batches(raw, config, Unscaled))
    assert "prepare" in {part.name for part in verdict.parts if part.status == "failed"}
