"""How word vectors moved while a language model was trained."""

from functools import lru_cache

from torch import Tensor, nn

from course_lib.checkpoints import load_model
from course_lib.paths import data_folder

FILM = "language_model_film.safetensors"
WORDS = 350  # the most frequent ones


class Film(nn.Module):
    """The vectors of some words at several times.

    Args:
        frames: (frames, words, width)
    """

    def __init__(self, frames: Tensor):
        super().__init__()
        self.register_buffer("frames", frames)


@lru_cache
def load_film() -> tuple[Tensor, tuple[str, ...]]:
    """The vectors of the shipped language model's most frequent words.

    Returns:
        vectors (frames, words, width), before the training and after each pass through the text, and the words

    Raises:
        CheckpointError: its files are missing or damaged; the text says what to do.
    """
    saved = load_model(data_folder() / "checkpoints" / FILM)
    return saved.state_dict["frames"].float(), tuple(saved.vocabulary)
