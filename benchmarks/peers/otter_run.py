"""Grade submissions with otter-grader, in its own environment; grading_peers.py starts this.

There must be tests/, cases.pt and submitted/LEARNER.ipynb. What `otter run` does, grading without Docker, is done for
one learner after the other, through otter's Python interface, so that its start does not count. Prints a line of JSON a
learner: seconds by the clock and of the processors, points, points to be had.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from otter.api import grade_submission


def processor_seconds() -> float:
    """Of this process and of the kernels that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


generate = [sys.executable, "-m", "otter", "generate", "--tests-dir", "tests", "--no-environment", "cases.pt"]
subprocess.run(generate, check=True, stdout=sys.stderr)
for submission in sorted(Path("submitted").iterdir()):
    processor, began = processor_seconds(), time.perf_counter()
    results = grade_submission(str(submission), "autograder.zip", quiet=True)
    clock, processor = time.perf_counter() - began, processor_seconds() - processor
    print(json.dumps([clock, processor, results.total, results.possible]), flush=True)
