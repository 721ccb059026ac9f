"""Make the translators of dates of section 4.7: `python data/checkpoints/make_translators.py` (about two minutes).

Both are trained for the same number of steps, the one with additive attention and the one with a fixed vector.
"""

from course_lib import start
from course_lib.checkpoints import save_model
from course_lib.datasets.dates import load_dates
from course_lib.paths import data_folder
from course_lib.recurrent.seq2seq import CHECKPOINTS, exact, train_translator

COMMAND = "python data/checkpoints/make_translators.py"
STEPS = 400


def main() -> None:
    start("study")
    train, test = load_dates("train"), load_dates("test")
    for name, score in (("attention", "additive"), ("fixed vector", None)):
        model, _ = train_translator(train, score=score, steps=STEPS)
        scores = {"seed": 0, "steps": STEPS, "exact": exact(model, test).float().mean().item()}
        config = {"source_size": train.source_size, "target_size": train.target_size, "score": score}
        path = data_folder() / "checkpoints" / CHECKPOINTS[name]
        save_model(path, model, config=config, vocabulary=None, made_by=COMMAND, scores=scores)
        print(f"wrote {path.name}: {scores}")


if __name__ == "__main__":
    main()
