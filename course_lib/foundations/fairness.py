"""Who is selected: people of two groups whose labels lean, how a model takes that over, and what can be done."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.foundations.deep import falling
from course_lib.seeds import seeded
from course_lib.training import fit

PEOPLE, STEPS = 4000, 80
OVERLOOKED = 0.4  # of the worthy in group 1, those whose recorded label says 0


class People(NamedTuple):
    """People who apply for something.

    Attributes:
        x: two test scores, a district that is commoner in one group than in the other, and the group itself, (n, 4).
        worthy: who should be selected, 0 or 1, (n,). Nobody knows it but the one who generates the data.
        label: who was recorded as worthy, (n,).
        group: 0 or 1, (n,).
    """

    x: Tensor
    worthy: Tensor
    label: Tensor
    group: Tensor


def draw_people(
    seed: int = 0, base_rates: tuple[float, float] = (0.5, 0.5), overlooked: float = OVERLOOKED, n: int = PEOPLE
) -> People:
    """Generate people; scores depend on whether somebody is worthy, and on nothing else.

    Args:
        seed: draws all of them.
        base_rates: share of the worthy in group 0 and in group 1.
        overlooked: share of the worthy in group 1 who are recorded with label 0.
        n: how many people.
    """
    with seeded(seed):
        group = torch.randint(2, (n,))
        worthy = (torch.rand(n) < torch.tensor(base_rates)[group]).long()
        scores = 0.75 * (2 * worthy[:, None] - 1) + torch.randn(n, 2)
        district = 0.75 * (2 * group - 1) + torch.randn(n)
        recorded = worthy * ~((group == 1) & (torch.rand(n) < overlooked))
    x = torch.column_stack([scores, district, group.float()])
    return People(x, worthy, recorded, group)


class Selector(nn.Module):
    """Logistic regression on some of what is known of people: `sees` names columns of `People.x`."""

    def __init__(self, sees: tuple[int, ...] = (0, 1, 2, 3)):
        super().__init__()
        self.sees = list(sees)
        self.linear = nn.Linear(len(sees), 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (n,), of people (n, 4)."""
        return self.linear(x[:, self.sees]).squeeze(1)


BLIND = (0, 1, 2)  # all but the group


def train_selector(
    people: People, sees: tuple[int, ...] = (0, 1, 2, 3), weights: Tensor | None = None, penalty: float = 0.0
) -> Selector:
    """Fit the recorded labels.

    Args:
        people: to learn from.
        sees: columns of x.
        weights: one for each person, (n,); None for 1 each.
        penalty: on the squared difference between the groups' mean probabilities, added to the loss.
    """
    model = Selector(sees)
    weights = torch.ones(len(people.x)) if weights is None else weights.float()
    targets = torch.column_stack([people.label, weights, people.group])  # (n, 3)

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        label, weight, group = targets.T
        entropy = F.binary_cross_entropy_with_logits(logits, label, weight)
        if not penalty:
            return entropy
        chances = logits.sigmoid()
        difference = chances @ (1 - group) / (1 - group).sum() - chances @ group / group.sum()
        return entropy + penalty * difference**2

    settings = {"steps": STEPS, "learning_rate": 0.1, "schedule": falling}
    fit(model, [(people.x, targets)], loss, **settings, name="selector", cache=False)
    return model.cpu()


@torch.no_grad()
def chances(model: Selector, people: People) -> Tensor:
    """The probability of label 1 that a model gives each person, (n,)."""
    return model(people.x).sigmoid()


def select(probabilities: Tensor, group: Tensor, thresholds: tuple[float, float] = (0.5, 0.5)) -> Tensor:
    """Who is above the threshold of their group: 0 or 1, (n,)."""
    return (probabilities > torch.tensor(thresholds)[group]).long()


class Rates(NamedTuple):
    """How a selection treats two groups, (2,) each, and the share of people it judges rightly in all.

    Attributes:
        selected: of all in the group.
        found: of the worthy in the group, those that are selected: the true-positive rate.
        wrongly: of the others, those that are selected all the same: the false-positive rate.
        right: share of all people whose selection is what they deserve.
    """

    selected: Tensor
    found: Tensor
    wrongly: Tensor
    right: float

    def gaps(self) -> tuple[float, float]:
        """Group 0 less group 1: of those selected, and of those found."""
        return tuple((rates[0] - rates[1]).item() for rates in (self.selected, self.found))


def rates(chosen: Tensor, truth: Tensor, group: Tensor) -> Rates:
    """Rates of a selection, (n,), by what is taken for true of people, (n,), and their group, (n,)."""
    chosen = chosen.float()

    def share(who: Tensor) -> Tensor:
        return torch.stack([chosen[who & (group == number)].mean() for number in (0, 1)])

    everybody = torch.ones_like(truth, dtype=torch.bool)
    right = (chosen == truth).float().mean().item()
    return Rates(share(everybody), share(truth == 1), share(truth == 0), right)


def balanced_weights(label: Tensor, group: Tensor) -> Tensor:
    """Weights, (n,), that make label and group independent (Kamiran and Calders 2012): how many there would be in a
    person's cell if they were, over how many there are."""
    weights = torch.zeros(len(label))
    for value in (0, 1):
        for number in (0, 1):
            cell = (label == value) & (group == number)
            if cell.any():
                weights[cell] = (label == value).sum() * (group == number).sum() / (len(label) * cell.sum())
    return weights


def thresholds_for(probabilities: Tensor, people: Tensor, group: Tensor, share: float) -> tuple[float, float]:
    """One threshold a group, above which lies this share of those people of it who count.

    Args:
        probabilities: (n,)
        people: who counts, (n,): everybody for equal selection rates, the worthy for equal true-positive rates.
        group: (n,)
        share: from 0 to 1.
    """
    counted = people.bool()
    return tuple(probabilities[counted & (group == number)].quantile(1 - share).item() for number in (0, 1))


def trade(probabilities: Tensor, truth: Tensor, group: Tensor, thresholds: Tensor) -> Tensor:
    """Both gaps and the share right as the threshold of group 1 moves and that of group 0 stays at 1/2.

    Args:
        probabilities, truth, group: (n,)
        thresholds: of group 1, (places,)

    Returns:
        gap of those selected, gap of those found, share right: (places, 3)
    """
    made = [rates(select(probabilities, group, (0.5, t)), truth, group) for t in thresholds.tolist()]
    return torch.tensor([[*one.gaps(), one.right] for one in made])
