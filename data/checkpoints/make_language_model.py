"""Make the language model of sections 4.3, 4.5 and 4.6: `python data/checkpoints/make_language_model.py` (2 minutes).

Beside it lies the film of its word vectors: those of the most frequent words, as they stood after each pass through the
text, for the explorer of 4.6. Another Python holds another text, and another kind of processor rounds in another way;
a training there ends at other weights that score alike.
"""

import torch
from torch import Tensor

from course_lib import start
from course_lib.checkpoints import save_model
from course_lib.datasets.english import load_english
from course_lib.paths import data_folder
from course_lib.recurrent.film import FILM, WORDS, Film
from course_lib.recurrent.language_model import (
    CHECKPOINT,
    LanguageModel,
    logprobs,
    new_language_model,
    perplexity,
    train_language_model,
)

COMMAND = "python data/checkpoints/make_language_model.py"
EPOCHS = 16


def main() -> None:
    start("study")
    corpus = load_english()
    frames: list[Tensor] = []

    def film(model: LanguageModel) -> None:
        frames.append(model.embedding.weight.detach().cpu()[:WORDS].half())

    def validate(model: LanguageModel) -> float:
        film(model)
        return perplexity(logprobs(model, corpus.valid))

    film(new_language_model(corpus))
    # a training out of the cache would call nothing, and there would be no film
    model, history = train_language_model(corpus, epochs=EPOCHS, validate=validate, cache=False)
    size = model.recurrent.hidden_size
    config = {"vocabulary_size": len(corpus.vocabulary), "embedding_size": size, "hidden_size": size, "tied": True}
    scores = {
        "seed": 0,
        "text": corpus.source,
        "epochs": EPOCHS,
        "perplexity": {"valid": history.validation[-1], "test": perplexity(logprobs(model, corpus.test))},
    }
    folder = data_folder() / "checkpoints"
    words = list(corpus.vocabulary)
    save_model(folder / CHECKPOINT, model.cpu(), config=config, vocabulary=words, made_by=COMMAND, scores=scores)
    save_model(
        folder / FILM, Film(torch.stack(frames)), config={}, vocabulary=words[:WORDS],
        made_by=COMMAND, scores={"validation": history.validation},
    )  # fmt: skip
    print(scores)


if __name__ == "__main__":
    main()
