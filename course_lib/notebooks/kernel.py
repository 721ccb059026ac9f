"""What kernels inherit from the process that starts them."""

import os
import sys
from pathlib import Path


def path_with_commands() -> str:
    """PATH with this interpreter's folder of commands first, so that `!course` in a cell finds ours.

    The folder is not on PATH where the environment was never activated, as in `.venv/bin/course lab`.
    """
    ours = str(Path(sys.executable).parent)  # not resolved: in an environment, python is a link to one outside
    others = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join([ours, *(folder for folder in others if folder != ours)])
