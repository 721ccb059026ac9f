"""Small programs for TensorFlow, and what became of them: run once with a real one, in an environment of its own.

TensorFlow is no part of this workbook's environment. `course results 1.3_tensorflow` makes one that has it (a few
hundred megabytes to fetch), or takes the Python that the environment variable COURSE_TENSORFLOW names.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from textwrap import dedent

from course_lib.paths import cache_folder
from course_lib.tensors import statements

TENSORFLOW = "tensorflow-cpu==2.21.0"
GONE = (  # that programs for TensorFlow 1 use
    *("tf.Session", "tf.InteractiveSession", "tf.placeholder", "tf.get_variable", "tf.global_variables_initializer"),
    *("tf.enable_eager_execution", "tf.train.GradientDescentOptimizer", "tf.layers.dense"),
)
PROGRAMS = {
    "session, as in the notes": """
        import tensorflow as tf
        a = tf.constant([1, 2, 3])
        b = tf.constant([4, 5, 6])
        product = tf.multiply(a, b)
        session = tf.Session()
        session.run(product)
        """,
    "session, through tf.compat.v1": """
        import tensorflow as tf
        tf.compat.v1.disable_eager_execution()
        a = tf.constant([1, 2, 3])
        b = tf.constant([4, 5, 6])
        product = tf.multiply(a, b)
        session = tf.compat.v1.Session()
        session.run(product).tolist()
        type(product).__name__
        hasattr(product, "numpy")
        float(product)
        """,
    "eager, as in the notes": """
        import tensorflow as tf
        tf.enable_eager_execution()
        a = tf.constant([1, 2, 3])
        b = tf.constant([4, 5, 6])
        tf.multiply(a, b)
        """,
    "eager, today": """
        import numpy as np
        import tensorflow as tf
        tf.executing_eagerly()
        a = tf.constant([1, 2, 3])
        b = tf.constant([4, 5, 6])
        product = tf.multiply(a, b)
        type(product).__name__
        isinstance(product, np.ndarray)
        product.numpy().tolist()
        type(product.numpy()).__name__
        """,
    "TensorFlow 1's defaults": """
        import tensorflow as tf
        tf.compat.v1.disable_v2_behavior()
        tf.executing_eagerly()
        product = tf.multiply(tf.constant([1, 2, 3]), tf.constant([4, 5, 6]))
        product.numpy()
        """,
    "TensorFlow 1's defaults, eager switched on": """
        import tensorflow as tf
        tf.compat.v1.disable_v2_behavior()
        tf.compat.v1.enable_eager_execution()
        tf.executing_eagerly()
        product = tf.multiply(tf.constant([1, 2, 3]), tf.constant([4, 5, 6]))
        product.numpy().tolist()
        """,
    "placeholder, as in the notes": """
        import tensorflow as tf
        x = tf.placeholder(tf.float32)
        """,
    "placeholder, in eager mode": """
        import tensorflow as tf
        x = tf.compat.v1.placeholder(tf.float32)
        """,
    "placeholder, half of them fed": """
        import tensorflow as tf
        tf.compat.v1.disable_eager_execution()
        a = tf.compat.v1.placeholder(tf.float32)
        b = tf.compat.v1.placeholder(tf.float32)
        twice = a * 2
        both = twice + b
        session = tf.compat.v1.Session()
        float(session.run(twice, {a: 3.0}))
        session.run(both, {a: 3.0})
        """,
    "variable, in two sessions": """
        import tensorflow as tf
        tf.compat.v1.disable_eager_execution()
        n = tf.compat.v1.Variable(0, use_resource=False)
        count = tf.compat.v1.assign_add(n, 1)
        one = tf.compat.v1.Session()
        two = tf.compat.v1.Session()
        one.run(tf.compat.v1.global_variables_initializer())
        [int(one.run(count)) for _ in range(3)]
        two.run(n)
        """,
    "branch, in a graph": """
        import tensorflow as tf
        @tf.function(autograph=False)
        def double_or_negate(x):
            return x * 2 if tf.reduce_sum(x) > 0 else -x
        double_or_negate(tf.constant([1.0, 2.0]))
        """,
    "branch, by tf.cond": """
        import tensorflow as tf
        @tf.function(autograph=False)
        def double_or_negate(x):
            return tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: -x)
        double_or_negate(tf.constant([1.0, 2.0])).numpy().tolist()
        double_or_negate(tf.constant([1.0, -2.0])).numpy().tolist()
        """,
    "branch, rewritten by AutoGraph": """
        import tensorflow as tf
        @tf.function
        def double_or_negate(x):
            if tf.reduce_sum(x) > 0:
                y = x * 2
            else:
                y = -x
            return y
        double_or_negate(tf.constant([1.0, 2.0])).numpy().tolist()
        double_or_negate(tf.constant([1.0, -2.0])).numpy().tolist()
        """,
    "names of TensorFlow 1": "import tensorflow as tf\n"
    + f"names = {GONE!r}\n"
    + "from operator import attrgetter\n"
    + "def there(name):\n    try:\n        return bool(attrgetter(name[3:])(tf))\n"
    + "    except AttributeError:\n        return False\n"
    + "{name: there(name) for name in names}\n",
    "Keras, inside and beside": """
        import keras
        import tensorflow as tf
        from importlib.metadata import requires
        tf.keras.Sequential is keras.Sequential
        [line for line in requires("tensorflow-cpu") if line.startswith("keras")]
        [line for line in requires("keras") if "extra" not in line]
        """,
}
VERSIONS = """
    import sys, numpy, tensorflow, keras
    {"Python": sys.version.split()[0], "TensorFlow": tensorflow.__version__, "Keras": keras.__version__,
     "NumPy": numpy.__version__}
    """
WHEELS = ("keras==2.2.4", "tensorflow==1.14.0", "tensorflow==2.0.0")  # published in 2018, and in 2019 both
TRAINER = "keras/engine/training.py"  # the file in which Keras trains: where it is, Keras is


def python_with_tensorflow() -> Path:
    """A Python that has TensorFlow: the one that is named, or one in an environment made for it."""
    if named := os.environ.get("COURSE_TENSORFLOW"):
        return Path(named)
    folder = cache_folder() / "tensorflow"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", TENSORFLOW], check=True)
        (folder / "made").touch()
    return python


def run_program(python: Path, source: str) -> list[list[str]]:
    """What each statement of a program gave, run by some Python: [statement, kind, text] each, see `statements`."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "KERAS_BACKEND")}
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(dedent(source).strip() + "\n", encoding="utf-8")
        run = subprocess.run(
            [python, "-P", statements.__file__, program],
            env=environment | quiet, capture_output=True, text=True, check=True,
        )  # fmt: skip
    return json.loads(run.stdout.splitlines()[-1])


def holds_keras(python: Path, wheel: str) -> bool:
    """Whether a package, as it was published for Python 3.7 on Linux, has Keras in it; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        platforms = [f"--platform={name}" for name in ("any", "manylinux1_x86_64", "manylinux2010_x86_64")]
        subprocess.run(
            [python, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version=3.7",
             *platforms, f"--dest={folder}", wheel],
            check=True,
        )  # fmt: skip
        (path,) = Path(folder).iterdir()
        with zipfile.ZipFile(path) as package:
            return any(name.endswith(TRAINER) for name in package.namelist())
