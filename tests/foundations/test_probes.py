"""What layers make readable, what excites a channel, one encoder trained three ways, and simple models beside it."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from course_lib.datasets.placed_digits import PlacedDigits
from course_lib.figures.exciting import draw_exciting
from course_lib.foundations.probes import (
    DEEP,
    DENSE_DEEP,
    DENSE_FLAT,
    FLAT,
    NETWORKS,
    SIDE,
    exciting,
    features,
    placed_accuracy,
    placed_network,
    probe,
    readable,
    same_digit,
    steadiness,
    train_on_placed,
    unseen_digits,
    window,
)
from course_lib.foundations.three_ways import NO_LABEL, ThreeWays, found_out, train_one_way, two_losses
from course_lib.foundations.traditional import LINEAR, NEAR, NETWORK, scores
from course_lib.results import load_result


@pytest.fixture(scope="module")
def trained():
    """The page's network, as the page trains it."""
    network = placed_network(DEEP, seed=0)
    train_on_placed(network)
    return network


@pytest.fixture
def kept():
    return load_result("2.6_sharing").values


def layer_ends(network):
    return [n + 1 for n, module in enumerate(network) if isinstance(module, nn.ReLU)]


# ---- networks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_reads_canvases_and_one_seed_makes_one_network(name):
    before = torch.get_rng_state()
    one, again, other = (placed_network(name, seed)(torch.ones(2, 1, SIDE, SIDE)) for seed in (1, 1, 2))
    assert one.shape == (2, 10) and torch.equal(one, again) and not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_the_test_digits_are_the_597_at_places_of_their_own():
    one, other = unseen_digits(0), unseen_digits(1)
    assert len(one.labels) == 597 and torch.equal(one.labels, other.labels)
    assert not torch.equal(one.corners, other.corners)


def test_a_network_that_sees_no_place_gives_the_same_answer_everywhere():
    blind = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 10))  # all it knows is how much ink
    assert steadiness(blind) > 0.99
    assert steadiness(nn.Sequential(nn.Flatten(), nn.Linear(SIDE**2, 10))) < 0.5


# ---- probes -----------------------------------------------------------------------------------------------------


def test_features_are_the_input_and_what_is_behind_each_relu():
    network, x = placed_network(DEEP), torch.rand(3, 1, SIDE, SIDE)
    seen = features(network, x)
    assert [tuple(h.shape) for h in seen] == [(3, 1), (3, 24), (3, 24), (3, 24)]
    assert torch.equal(seen[0], x.amax(dim=(2, 3)))
    assert torch.equal(seen[2], network[:5](x).amax(dim=(2, 3)))
    assert [h.shape[1] for h in features(placed_network(DENSE_DEEP), x)[1:]] == [64, 64, 64]


def test_a_probe_is_as_good_as_logistic_regression_and_learns_nothing_from_noise():
    x = torch.randn(600, 20, generator=torch.Generator().manual_seed(0))
    y = (x[:, :3].sum(dim=1) > 1).long()
    theirs = LogisticRegression().fit(x[:400], y[:400]).score(x[400:], y[400:])
    assert probe(x, y, 400) == pytest.approx(theirs, abs=0.06) and theirs > 0.9
    assert probe(x, y[torch.randperm(600, generator=torch.Generator().manual_seed(1))], 400) < 0.8


def test_training_turns_round_what_random_layers_do(trained):
    """What the page says of its network; other starts in the slow test below."""
    before, after = readable(placed_network(DEEP, seed=0)), readable(trained)
    assert before[1] > before[2] > before[3]
    assert after[3] > after[1] + 0.04 and after[3] > before[3] + 0.25
    assert before[0] == after[0] < 0.2
    assert placed_accuracy(trained) > 0.7


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_so_it_is_from_other_starts(seed):
    network = placed_network(DEEP, seed)
    before, digit = readable(network, seed), same_digit(exciting(network, 3, unseen_digits(seed), best=6))
    assert before[1] > before[3]
    train_on_placed(network, seed=seed)
    after = readable(network, seed)
    assert after[3] > after[1] + 0.03
    ones = [same_digit(exciting(network, layer, unseen_digits(seed), best=6)) for layer in (1, 3)]
    assert ones[1] > ones[0] + 0.03 and ones[1] > digit


# ---- what excites a channel -------------------------------------------------------------------------------------


def test_a_window_is_what_the_gradient_says():
    network = placed_network(DEEP)
    for end, wanted in zip(layer_ends(network), (3, 8, 18), strict=True):
        side, step, first = window(list(network)[:end])
        x = torch.rand(1, 1, 40, 40, requires_grad=True)
        linear = nn.Sequential(*(nn.AvgPool2d(2) if isinstance(m, nn.MaxPool2d) else m for m in network[:end]))
        linear = nn.Sequential(*(m for m in linear if not isinstance(m, nn.ReLU)))
        (slope,) = torch.autograd.grad(linear(x)[0, :, 4, 4].sum(), x)
        rows = slope[0, 0].any(dim=1).nonzero()[:, 0]
        assert side == wanted == len(rows) and rows[0] == first + 4 * step


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_the_strongest_pieces_are_the_channels_largest_values(layer):
    network, placed = placed_network(DEEP, seed=3), unseen_digits(4)
    found, modules = exciting(network, layer, placed, best=4), network[: layer_ends(network)[layer - 1]]
    with torch.no_grad():
        values, rows = modules(placed.pictures).amax(dim=(2, 3)).topk(4, dim=0)
    assert torch.allclose(found.values, values.T) and torch.equal(found.labels, placed.labels[rows.T])
    assert found.patches.shape == (24, 4, *2 * [window(list(modules))[0]])


def test_a_piece_alone_excites_the_channel_as_it_did_in_the_picture():
    network = placed_network(DEEP, seed=3)
    found, conv = exciting(network, 1, unseen_digits(4), best=4), network[0]
    for channel, pieces in enumerate(found.patches):
        alone = nn.functional.conv2d(pieces[:, None], conv.weight, conv.bias)[:, channel, 0, 0].relu()
        assert torch.allclose(alone, found.values[channel], atol=1e-5)


def test_labels_belong_to_the_pieces_and_the_share_of_one_digit_is_counted():
    pictures = torch.zeros(4, 1, 6, 6)
    pictures[torch.arange(4), 0, 2, 3] = torch.tensor([0.4, 0.9, 0.6, 0.1])
    placed = PlacedDigits(pictures, torch.tensor([7, 5, 5, 1]), torch.zeros(4, 2, dtype=torch.long))
    conv = nn.Conv2d(1, 2, 3, padding=1)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0, 1, 1], conv.weight[1, 0, 1, 1] = 1, -1  # ink, and a channel that is never on
        conv.bias.zero_()
    found = exciting(nn.Sequential(conv, nn.ReLU()), 1, placed, best=3)
    assert found.labels[0].tolist() == [5, 5, 7] and found.awake().tolist() == [0]
    assert found.patches[0, :, 1, 1].tolist() == pytest.approx([0.9, 0.6, 0.4])
    assert same_digit(found) == pytest.approx(2 / 3)
    pieces, digits = found.first(5)
    figure = draw_exciting({"layer 1": (pieces, digits)}, "made up")
    assert [text.get_text() for text in figure.axes[0].texts] == ["5 5 7"] and len(figure.axes[0].images) == 3


# ---- shallow or dense: the kept result --------------------------------------------------------------------------


def test_the_page_may_say_what_sharing_and_depth_buy(kept):
    right, same, size = kept["accuracy"], kept["steadiness"], kept["parameters"]
    for better, worse in ((DENSE_DEEP, DENSE_FLAT), (FLAT, DEEP), (DEEP, DENSE_DEEP)):
        assert all(a > b for a, b in zip(right[better], right[worse], strict=True))
    assert min(right[FLAT]) > 0.9 and max(same[DENSE_FLAT] + same[DENSE_DEEP]) < 0.25 and min(same[FLAT]) > 0.95
    assert abs(size[DENSE_FLAT] / size[DENSE_DEEP] - 1) < 0.02 and size[FLAT] < size[DEEP] < size[DENSE_DEEP]


@pytest.mark.slow
def test_the_result_computed_again_is_the_kept_one(kept):
    for name in (DENSE_DEEP, DEEP):
        network = placed_network(name, seed=1)
        train_on_placed(network, seed=1)
        assert placed_accuracy(network, 1) == pytest.approx(kept["accuracy"][name][1], abs=0.06)


# ---- one encoder, three ways ------------------------------------------------------------------------------------


def test_the_losses_are_pytorchs_and_a_row_without_label_counts_for_the_picture_alone():
    made, labels, pixels = torch.randn(5, 74), torch.tensor([3, NO_LABEL, 0, NO_LABEL, 9]), torch.rand(5, 64)
    targets, known = torch.cat([labels[:, None].float(), pixels], dim=1), labels >= 0
    wanted = 2 * cross_entropy(made[known, :10], labels[known]) + 3 * mse_loss(made[:, 10:], pixels)
    assert torch.allclose(two_losses(made, targets, labels=2, pictures=3), wanted)
    nobody = torch.cat([torch.full((5, 1), float(NO_LABEL)), pixels], dim=1)
    assert two_losses(made, nobody, labels=1, pictures=0) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_each_way_learns_what_it_is_told(seed):
    with_all, _, _ = found_out(train_one_way(1200, labels=1, pictures=0, seed=seed), 100)
    both, _, both_left = found_out(train_one_way(100, labels=1, pictures=10, seed=seed), 100)
    blind, read, left = found_out(train_one_way(0, labels=0, pictures=10, seed=seed), 100)
    assert with_all > 0.8 and both > 0.6 and read > 0.6
    assert both_left < 0.6 and left < 0.5 and blind < 0.4
    assert found_out(ThreeWays(seed), 100)[0] < 0.3


# ---- simple models ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 2])
def test_from_all_labels_the_neighbours_are_ahead_and_from_30_nobody_by_far(seed):
    few, many = scores(30, seed), scores(1200, seed)
    assert list(many) == [LINEAR, NEAR, NETWORK]
    assert many[NEAR] > many[NETWORK] + 0.02 and many[NEAR] > many[LINEAR] + 0.02
    assert all(0.4 < share < 0.8 for share in few.values()) and all(share > 0.85 for share in many.values())
