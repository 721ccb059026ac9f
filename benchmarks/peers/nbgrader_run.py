"""Grade submissions with nbgrader, in its own environment; grading_peers.py starts this in the course's folder.

There must be source/week/answers.ipynb and submitted/LEARNER/week/answers.ipynb. What `nbgrader autograde` does is
done for one learner after the other, through nbgrader's Python interface, so that its start does not count. Prints a
line of JSON a learner: seconds by the clock and of the processors, points, points to be had.
"""

import json
import logging
import resource
import time
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from traitlets.config import Config


def processor_seconds() -> float:
    """Of this process and of the kernels that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


config = Config()
config.CourseDirectory.root = str(Path.cwd())
api = NbGraderAPI(config=config)
api.log.setLevel(logging.CRITICAL)
if not (made := api.generate_assignment("week"))["success"]:
    raise SystemExit(made["error"] or made["log"])
for learner in sorted(path.name for path in Path("submitted").iterdir()):
    processor, began = processor_seconds(), time.perf_counter()
    graded = api.autograde("week", learner)
    clock, processor = time.perf_counter() - began, processor_seconds() - processor
    if not graded["success"]:
        raise SystemExit(graded["error"] or graded["log"])
    with api.gradebook as book:
        found = book.find_submission("week", learner)
        print(json.dumps([clock, processor, found.score, found.max_score]), flush=True)
