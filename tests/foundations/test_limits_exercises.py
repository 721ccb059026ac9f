"""What the exercises of 2.8 and 2.9 promise beyond right answers and known mistakes."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.exercises.verdicts import said, verdict_on

DATA, SALIENCY, ATTACK, SMALLER, FAIR = (
    f"foundations.challenges.{topic}" for topic in ("data", "interpretability", "robustness", "efficiency", "fairness")
)


def by_sorting_pairs(probs, k):
    """In plain Python, in bits."""
    entropies = [-sum(p * np.log2(p) for p in row if p > 0) for row in probs.tolist()]
    return sorted(range(len(probs)), key=lambda n: (-entropies[n], n))[:k]


def by_a_floor(probs, k):
    return torch.sort((probs * torch.log(probs.clamp(min=1e-9))).sum(-1), stable=True).indices[:k]


def by_a_little_more(probs, k):
    return np.argsort((probs.numpy() * np.log(probs.numpy() + 1e-12)).sum(1), kind="stable")[:k]


def by_distribution(probs, k):
    entropy = torch.distributions.Categorical(probs=probs).entropy()
    return torch.argsort(entropy, descending=True, stable=True)[:k].int()


def by_one_after_the_other(probs, k):
    entropy = torch.special.entr(probs).mean(dim=1)
    found = []
    for _ in range(k):
        found.append(int(entropy.argmax()))
        entropy[found[-1]] = -1
    return found


def by_nan_to_num(probs, k):
    return (-(probs * probs.log()).nan_to_num(0).sum(1)).argsort(descending=True, stable=True)[:k]


def one_by_one(model, x, target):
    maps = []
    for picture, wanted in zip(x, target, strict=True):
        leaf = picture[None].detach().clone().requires_grad_(True)
        maps.append(torch.autograd.grad(model(leaf)[0, wanted], leaf)[0][0])
    return torch.stack(maps)


def by_one_hot(model, x, target):
    leaf = x.double().float().clone().requires_grad_()
    (model(leaf) * F.one_hot(target, model(leaf).shape[1])).sum().backward(inputs=[leaf])
    return leaf.grad.numpy()


def by_func(model, x, target):
    def score(picture, wanted):
        return model(picture[None])[0].gather(0, wanted[None])[0]

    return torch.func.vmap(torch.func.grad(score))(x, target)


def all_at_once(model, x, patch, target):
    """Every square's mask, then one batch for all of them."""
    batch, _, height, width = x.shape
    rows, columns = torch.arange(height), torch.arange(width)
    far = [(line[:, None] - line).abs() > patch // 2 for line in (rows, columns)]
    stays = far[0][:, None, :, None] | far[1][None, :, None, :]  # (i, j, row, column)
    blanked = x[:, None] * stays.reshape(1, height * width, 1, height, width)
    left = model(blanked.flatten(0, 1)).reshape(batch, height * width, -1)
    each = target[:, None, None].expand(-1, height * width, 1)
    whole = model(x).gather(1, target[:, None])
    return (whole - left.gather(2, each)[..., 0]).reshape(batch, height, width)


def put_back(model, x, patch, target):
    """Every square is blank for a while, in one copy."""
    half, x = patch // 2, x.clone()
    found, each = torch.zeros(len(x), *x.shape[2:], dtype=torch.float64), range(len(x))
    with torch.no_grad():
        whole = model(x)[each, target]
        for i, j in np.ndindex(*x.shape[2:]):
            square = np.s_[:, :, max(i - half, 0) : i + half + 1, max(j - half, 0) : j + half + 1]
            before = x[square].clone()
            x[square] = 0
            found[:, i, j] = whole - model(x)[each, target]
            x[square] = before
    return found


def attack_by_minimum(model, x, y, eps, lo, hi):
    leaf = x.detach().clone().requires_grad_()
    loss = -model(leaf).log_softmax(1)[range(len(y)), y].sum()
    loss.backward(inputs=[leaf])
    return torch.minimum(torch.maximum(x + eps * torch.sign(leaf.grad), torch.tensor(lo)), torch.tensor(hi))


def attack_by_a_step(model, x, y, eps, lo, hi):
    step = torch.zeros_like(x, requires_grad=True)
    (slope,) = torch.autograd.grad(F.cross_entropy(model(x + step), y, reduction="none").sum(), step)
    return np.clip((x + eps * slope.sign()).numpy(), lo, hi)


def quantise_by_numpy(w, bits):
    largest, steps = np.abs(w.numpy()).max(), 2 ** (bits - 1) - 1
    return np.round(w.numpy() * steps / largest) / steps * largest if largest else w.numpy() * 0


def quantise_by_nearest(w, bits):
    steps = 2 ** (bits - 1) - 1
    grid = torch.arange(-steps, steps + 1) / steps * w.abs().max()
    return grid[(w[..., None] - grid).abs().argmin(dim=-1)]


def prune_by_mask(w, fraction):
    _, places = torch.topk(w.abs().flatten(), round(fraction * w.numel()), largest=False)
    mask = torch.ones(w.numel(), dtype=torch.bool)
    mask[places] = False
    return w * mask.reshape(w.shape)


def prune_by_numpy(w, fraction):
    left = w.numpy().copy()
    left.reshape(-1)[np.argsort(np.abs(left), axis=None)[: round(fraction * left.size)]] = 0
    return left


def distil_by_hand(student, teacher, y, T, alpha):
    p, q = torch.softmax(teacher / T, -1), torch.softmax(student / T, -1)
    soft = (p * (p.log() - q.log())).sum(-1).mean()
    return alpha * T * T * soft - (1 - alpha) * student.log_softmax(-1)[range(len(y)), y].mean()


def distil_by_cross_entropy(student, teacher, y, T, alpha):
    p = (teacher / T).softmax(1).detach()
    soft = F.cross_entropy(student / T, p) + torch.xlogy(p, p).sum(1).mean()
    return alpha * T**2 * soft + (1 - alpha) * F.nll_loss(F.log_softmax(student, 1), y)


def rates_by_numpy(pred, y, group):
    pred, y, group = (values.numpy() for values in (pred, y, group))
    groups = range(group.max() + 1)

    def share(mask):
        return pred[mask].mean() if mask.any() else np.nan

    selection = np.array([share(group == n) for n in groups])
    found = np.array([share((group == n) & (y == 1)) for n in groups])
    return selection, found, np.nanmax(selection) - np.nanmin(selection), np.nanmax(found) - np.nanmin(found)


def rates_by_counting(pred, y, group):
    number = int(group.max()) + 1
    selection = torch.bincount(group, pred.float(), number) / torch.bincount(group, minlength=number)
    found = torch.bincount(group, (pred * y).float(), number) / torch.bincount(group, y.float(), number)
    gaps = [float(rates.nan_to_num(-1).max() - rates.nan_to_num(2).min()) for rates in (selection, found)]
    return [selection, found, *gaps]


def weights_by_table(y, group):
    table = torch.zeros(2, int(group.max()) + 1, dtype=torch.float64)
    table.index_put_((y, group), torch.tensor(1.0, dtype=torch.float64), accumulate=True)
    table /= len(y)
    return (table.sum(0) * table.sum(1, keepdim=True) / table)[y, group]  # 0/0 where nobody is looked up


def weights_by_shares(y, group):
    y, group = y.numpy(), group.numpy()
    return np.array(
        [
            (y == a).mean() * (group == b).mean() / ((y == a) & (group == b)).mean()
            for a, b in zip(y, group, strict=True)
        ]
    )


RIGHT = [
    *((DATA, "most_uncertain", answer) for answer in (by_sorting_pairs, by_a_floor, by_a_little_more)),
    *((DATA, "most_uncertain", answer) for answer in (by_distribution, by_one_after_the_other, by_nan_to_num)),
    *((SALIENCY, "saliency", answer) for answer in (one_by_one, by_one_hot, by_func)),
    *((SALIENCY, "occlusion", answer) for answer in (all_at_once, put_back)),
    *((ATTACK, "fgsm", answer) for answer in (attack_by_minimum, attack_by_a_step)),
    *((SMALLER, "quantise", answer) for answer in (quantise_by_numpy, quantise_by_nearest)),
    *((SMALLER, "prune", answer) for answer in (prune_by_mask, prune_by_numpy)),
    *((SMALLER, "distil_loss", answer) for answer in (distil_by_hand, distil_by_cross_entropy)),
    *((FAIR, "group_rates", answer) for answer in (rates_by_numpy, rates_by_counting)),
    *((FAIR, "reweigh", answer) for answer in (weights_by_table, weights_by_shares)),
]


@pytest.mark.parametrize(("id", "function", "answer"), RIGHT, ids=[answer.__name__ for *_, answer in RIGHT])
@pytest.mark.parametrize("seed", [0, 77])
def test_right_in_another_way(id, function, answer, seed):
    assert verdict_on(id, seed=seed, **{function: answer}).status == "passed", said(id, **{function: answer})


# ---------------------------------------------------------------------------------------------------- active learning


def test_the_same_item_twice_is_refused():
    assert verdict_on(DATA, most_uncertain=lambda probs, k: by_a_floor(probs, 1).repeat(k)).points == 0


def test_a_mask_of_items_is_told():
    def mask(probs, k):
        return torch.zeros(len(probs)).index_fill(0, by_a_floor(probs, k), 1).bool()

    assert "indices are whole numbers, and these are bool" in said(DATA, most_uncertain=mask)


def test_rows_that_are_overwritten_are_seen():
    def in_place(probs, k):
        return probs.clamp_(min=1e-9).log().mul_(probs).sum(1).argsort(stable=True)[:k]

    assert "It changes probs in place" in said(DATA, most_uncertain=in_place)


# --------------------------------------------------------------------------------------------------- interpretability


def test_a_map_that_the_batch_changes_loses_that_part_alone():
    def mixing(model, x, target):
        return one_by_one(model, x, target[:1].expand(len(x)))

    verdict = verdict_on(SALIENCY, saliency=mixing)
    assert [part.status for part in verdict.parts][:3] == ["passed", "failed", "passed"]


def test_what_is_left_behind_is_told():
    def backward(model, x, target):
        leaf = x.clone().requires_grad_()
        model(leaf)[range(len(x)), target].sum().backward()
        return leaf.grad

    words = said(SALIENCY, saliency=backward)
    assert "a parameter that had a gradient before the call has the same one after it" in words
    assert "It behaves like gradients left in the model." in words

    def frozen(model, x, target):
        model.requires_grad_(False)
        return one_by_one(model, x, target)

    assert "and ask for gradients" in said(SALIENCY, saliency=frozen)
    assert verdict_on(SALIENCY, saliency=frozen).points == 4

    def in_training(model, x, target):
        found = one_by_one(model, x, target)
        model.train()
        return found

    assert verdict_on(SALIENCY, saliency=in_training).points == 4


def test_a_model_that_is_switched_to_training_drops_units():
    assert verdict_on(SALIENCY, saliency=lambda model, x, target: one_by_one(model.train(), x, target)).points < 4
    assert verdict_on(ATTACK, fgsm=lambda model, *rest: attack_by_minimum(model.train(), *rest)).points < 3


def test_a_picture_that_stays_blank_is_seen():
    def spoiling(model, x, patch, target):
        found = put_back(model, x, patch, target)
        x[:, :, 0, 0] = 0
        return found

    verdict = verdict_on(SALIENCY, occlusion=spoiling)
    assert verdict.points == 3 and "It changes x in place" in said(SALIENCY, occlusion=spoiling)


def test_a_map_with_channels_is_told_by_its_shape():
    def with_channels(model, x, patch, target):
        return put_back(model, x, patch, target)[:, None]

    assert "your map has shape (1, 1, 1, 3), wanted (1, 1, 3)" in said(SALIENCY, occlusion=with_channels)


# --------------------------------------------------------------------------------------------------------- robustness


def test_an_attack_is_told_by_what_it_breaks():
    def too_far(model, x, y, eps, lo, hi):
        return attack_by_minimum(model, x, y, 3 * eps, lo, hi)

    assert "one of your pixels moves by 0.3, wanted 0.1 at most" in said(ATTACK, fgsm=too_far)

    def backwards(model, x, y, eps, lo, hi):
        return attack_by_minimum(model, x, y, -eps, lo, hi)

    assert "the loss falls from" in said(ATTACK, fgsm=backwards)

    def beyond(model, x, y, eps, lo, hi):
        return attack_by_minimum(model, x, y, eps, -99.0, 99.0)

    assert "wanted from 0 to 1" in said(ATTACK, fgsm=beyond)
    assert verdict_on(ATTACK, fgsm=beyond).points == 2


def test_random_signs_of_any_kind_are_no_attack():
    def random(model, x, y, eps, lo, hi):
        return (x + eps * torch.where(torch.rand(x.shape) < 0.5, 1, -1)).clamp(lo, hi)

    assert all(verdict_on(ATTACK, seed=seed, fgsm=random).points <= 1 for seed in range(5))


# --------------------------------------------------------------------------------------------------------- efficiency


def test_what_quantise_says():
    def shifted(w, bits):
        return quantise_by_nearest(w, bits) + 0.01

    assert "wanted [0.3, -0.3, 0.9]" in said(SMALLER, quantise=shifted)
    assert verdict_on(SMALLER, quantise=shifted).points == 4


def test_any_of_equal_weights_will_do():
    def the_last_first(w, fraction):
        return prune_by_mask(w.flip(-1), fraction).flip(-1)

    assert verdict_on(SMALLER, prune=the_last_first).status == "passed"


def test_a_loss_without_a_way_back():
    def number(*inputs):
        return distil_by_hand(*inputs).item()

    assert "autograd cannot follow the loss back to the student" in said(SMALLER, distil_loss=number)

    def one_for_each(student, teacher, y, T, alpha):
        return torch.stack([distil_by_hand(student, teacher, y, T, alpha)] * 2)

    assert "a loss is one number, and this one has shape (2,)" in said(SMALLER, distil_loss=one_for_each)


def test_a_student_that_learns_from_the_labels_alone_loses_both_parts():
    assert verdict_on(SMALLER, distil_loss=lambda s, t, y, T, alpha: F.cross_entropy(s, y)).points == 4


# ----------------------------------------------------------------------------------------------------------- fairness


def test_a_wrong_rate_is_called_by_its_name():
    def swapped(pred, y, group):
        selection, found, first, second = rates_by_numpy(pred, y, group)
        return found, selection, second, first

    assert "your selection came out as" in said(FAIR, group_rates=swapped)

    def three(pred, y, group):
        return rates_by_numpy(pred, y, group)[:3]

    wanted = "wanted 4 results (selection, true_positive, selection_gap, true_positive_gap)"
    assert wanted in said(FAIR, group_rates=three)


def test_a_nan_gap_loses_the_empty_groups_alone():
    def careless(pred, y, group):
        selection, found, *_ = rates_by_counting(pred, y, group)
        return selection, found, selection.max() - selection.min(), found.max() - found.min()

    verdict = verdict_on(FAIR, group_rates=careless)
    assert verdict.points == 5 and "a gap that is NaN as soon as one group is empty" in said(FAIR, group_rates=careless)


def test_weights_of_another_size_are_told():
    assert "Every number is 0.125 times what is wanted." in said(FAIR, reweigh=lambda y, g: weights_by_table(y, g) / 8)
    assert "has shape (2, 4)" in said(FAIR, reweigh=lambda y, g: weights_by_table(y, g).reshape(2, -1))
