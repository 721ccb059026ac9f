"""Make the networks of section 2.6 that were trained on a curve: `python data/checkpoints/make_curve_networks.py`.

Five of each shape that the explorer «pieces» shows; a few minutes.
"""

from torch import nn

from course_lib import start
from course_lib.checkpoints import save_model
from course_lib.foundations.bends import CHECKPOINT, POINTS, SEEDS, STEPS, WIDTHS, train_side_by_side
from course_lib.paths import data_folder

COMMAND = "python data/checkpoints/make_curve_networks.py"


def main() -> None:
    start("study")
    made, errors = [], {}
    for depth, widths in WIDTHS.items():
        networks, history = train_side_by_side([(depth, units, seed) for units in widths for seed in range(SEEDS)])
        made.append(networks)
        errors[f"mean squared error of {depth} layers"] = round(history.losses[-1] / len(widths) / SEEDS, 4)
    path = data_folder() / "checkpoints" / CHECKPOINT
    config = {"widths": WIDTHS, "seeds": SEEDS, "points": POINTS}
    scores = {"steps": STEPS} | errors
    save_model(path, nn.ModuleList(made), config=config, vocabulary=None, made_by=COMMAND, scores=scores)
    print(f"wrote {path.name}: {errors}")


if __name__ == "__main__":
    main()
