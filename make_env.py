#!/usr/bin/env python3
"""Make the workbook's own environment in .venv, or see in an instant that it is there.

    python3 make_env.py            make or repair .venv, then stop
    python3 make_env.py --check    only say whether it can be made here

TORCH=cpu takes PyTorch without CUDA (hundreds of megabytes where the default on Linux takes gigabytes), TORCH=default
goes back; with neither, what was chosen before stays. `make` calls this file before everything else.

Plain standard library, and nothing newer than Python 2.7 in its syntax: a Python too old must get as far as being told.
"""

from __future__ import print_function

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WINDOWS = os.name == "nt"
LINUX = sys.platform.startswith("linux")
OLDEST, NEWEST = (3, 11), (3, 13)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
GIGABYTE = 10**9
NEEDED, NEEDED_WITH_CUDA = 2.5 * GIGABYTE, 9 * GIGABYTE  # measured: 1.7 and 5.4 GB installed, and what pip downloads
AGAIN = "Then run the same command again."


class Failure(Exception):
    """Why there is no environment: one sentence, and what to do."""


def main(arguments):
    """Make .venv unless it is there; return the exit status."""
    try:
        if "--check" in arguments:
            print(check(HERE))
        else:
            make(HERE, this_python="--this-python" in arguments)
    except Failure as problem:
        print("\n" + str(problem), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again, and the environment is made anew.", file=sys.stderr)
        return 130
    except (IOError, OSError) as problem:
        print("\n" + explain_os_error(problem), file=sys.stderr)
        return 1
    return 0


def make(root, this_python=False):
    """Make or repair root/.venv; return at once if it is as it should be.

    this_python: whoever calls asks for the very Python that runs this file, not for any that will do.
    """
    venv = os.path.join(root, ".venv")
    kept = read_stamp(venv)
    torch = chosen_torch(kept)
    wanted = stamp(root, torch)
    same_python = not this_python or kept.get("python") == "%d.%d" % sys.version_info[:2]
    if kept.get("hash") == wanted["hash"] and same_python and os.path.exists(python_in(venv)):
        return
    check_python()
    keep = same_python and kept.get("torch") in (None, torch) and kept.get("root") in (None, root) and usable(venv)
    if not keep:
        check_disk(root, torch)
        print("Making the workbook's environment in .venv, once. It takes some minutes.")
        hint_at_cpu(root, torch)
        create(venv)
    write_stamp(venv, {"torch": torch})  # remembered even if the install is cut off
    install(root, venv, torch)
    write_stamp(venv, dict(wanted, python="%d.%d" % sys.version_info[:2]))


def check(root):
    """Say that an environment is there or can be made; Failure if neither."""
    venv = os.path.join(root, ".venv")
    kept = read_stamp(venv)
    if kept.get("hash") == stamp(root, chosen_torch(kept))["hash"] and os.path.exists(python_in(venv)):
        return "The environment in .venv is complete."
    check_python()
    check_disk(root, chosen_torch(kept))
    return "Python %s can make the environment; there is room for it." % version_name()


# ---- what is there


def stamp(root, torch):
    """What the environment was made from: the two files, PyTorch's kind, and the place, which its scripts name."""
    digest = hashlib.sha256()
    for name in ("requirements.txt", "pyproject.toml"):
        with open(os.path.join(root, name), "rb") as file:
            digest.update(file.read())
    digest.update(("%s %s" % (torch, root)).encode("utf-8"))
    return {"hash": digest.hexdigest(), "torch": torch, "root": root}


def read_stamp(venv):
    """What the finished environment was made from; {} if there is none."""
    try:
        with open(os.path.join(venv, "course-stamp.json")) as file:
            kept = json.load(file)
    except (IOError, OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def write_stamp(venv, content):
    with open(os.path.join(venv, "course-stamp.json"), "w") as file:
        json.dump(content, file)


def chosen_torch(kept):
    """TORCH from the environment; without it, what the environment already has."""
    torch = os.environ.get("TORCH") or kept.get("torch") or "default"
    if torch not in ("cpu", "default"):
        raise Failure("TORCH is %r, but there is only TORCH=cpu and TORCH=default. Change or unset it." % torch)
    return torch


def version_name():
    return "%d.%d.%d" % sys.version_info[:3]


def python_in(venv):
    return os.path.join(venv, "Scripts", "python.exe") if WINDOWS else os.path.join(venv, "bin", "python")


def unfinished_mark(venv):
    return os.path.join(venv, "unfinished-install")


def usable(venv):
    """Whether .venv holds a Python that we support, with pip, and no install that was cut off."""
    if not os.path.exists(python_in(venv)) or os.path.exists(unfinished_mark(venv)):
        return False
    ask = "import sys, pip; sys.exit(not %r <= sys.version_info[:2] <= %r)" % (OLDEST, NEWEST)
    return run([python_in(venv), "-c", ask], quiet=True)[0] == 0


# ---- what must hold before


def check_python():
    """This Python is one that the workbook was tested with, and can make environments."""
    here = sys.version_info[:2]
    if here < OLDEST:
        raise Failure(
            "The workbook needs Python 3.11, 3.12 or 3.13; this is %s (%s). %s"
            % (version_name(), sys.executable, other_python())
        )
    if here > NEWEST:
        print("The workbook was tested with Python 3.11 to 3.13; this is %s. Trying it all the same." % version_name())
    if not has_modules("venv", "ensurepip"):
        raise Failure(
            "This Python (%s) cannot make environments: its venv module is missing. On Debian or Ubuntu: "
            "sudo apt install python%d.%d-venv. %s" % (sys.executable, here[0], here[1], AGAIN)
        )


def has_modules(*names):
    """Whether these modules of the standard library are here; Debian keeps some in packages of their own."""
    try:
        for name in names:
            __import__(name)
    except ImportError:
        return False
    return True


def other_python():
    """Where a Python that will do is on the PATH, or where to get one."""
    for name in ("python3.13", "python3.12", "python3.11"):
        if find(name) and run([name, "--version"], quiet=True)[0] == 0:
            return "%s is here: say make lab PYTHON=%s, or %s make_env.py." % (name, name, name)
    return "Get one from https://www.python.org/downloads and name it: make lab PYTHON=python3.12."


def find(name):
    """Where a command is on the PATH, else None."""
    return shutil.which(name) if hasattr(shutil, "which") else None


def check_disk(root, torch):
    """There is room for the environment."""
    free = shutil.disk_usage(root).free
    if free < NEEDED:
        raise Failure(
            "The disk is too full: the environment needs %.1f GB in this folder, and %.1f GB are free. "
            "Free some space, or move the workbook to another disk. %s" % (NEEDED / GIGABYTE, free / GIGABYTE, AGAIN)
        )


def hint_at_cpu(root, torch):
    """Say so where PyTorch with CUDA is large for nothing, or may not fit."""
    if not LINUX or torch == "cpu":
        return
    free = shutil.disk_usage(root).free
    if free < NEEDED_WITH_CUDA:
        print("Only %.1f GB are free: PyTorch with CUDA may not fit. TORCH=cpu will." % (free / GIGABYTE))
    elif not find("nvidia-smi"):
        print("No NVIDIA GPU was found. TORCH=cpu saves gigabytes: stop with Ctrl-C and say make lab TORCH=cpu.")


def explain_os_error(problem):
    """A sentence for a file that could not be read or written."""
    if problem.errno == errno.ENOSPC:
        return "The disk is full. Free some space, at best %.1f GB. %s" % (NEEDED / GIGABYTE, AGAIN)
    if problem.errno == errno.ENOTEMPTY:
        return "Another program is writing to .venv, perhaps the same command in another window. Let it end. " + AGAIN
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "No right to write %s. Copy the workbook to a folder of your own. %s" % (problem.filename, AGAIN)
    return "%s. Put that right. %s" % (problem, AGAIN)


# ---- making it


def create(venv):
    """An empty environment, in place of whatever was there."""
    if os.path.isdir(venv):
        shutil.rmtree(venv)
    python = getattr(sys, "_base_executable", None) or sys.executable  # this one may live in the .venv just removed
    status, said = run([python, "-m", "venv", venv])
    if status:
        raise Failure(diagnose(said) or "Python could not make %s; the lines above say why." % venv)


def install(root, venv, torch):
    """The exact versions, then the workbook's own package; what is there already costs nothing."""
    mark = unfinished_mark(venv)
    open(mark, "w").close()
    requirements = os.path.join(root, "requirements.txt")
    steps = [["-r", requirements], ["--no-deps", "--no-build-isolation", "--quiet", "-e", root]]
    if torch == "cpu" and sys.platform != "darwin":  # on macOS the ordinary wheel has no CUDA
        steps.insert(0, ["--no-deps", "--index-url", CPU_INDEX, pinned(requirements, "torch")])
    pip = [python_in(venv), "-m", "pip", "--disable-pip-version-check", "--retries", "2", "install"]
    for step in steps:
        status, said = run(pip + step)
        if status:
            reason = diagnose(said)
            if reason == NO_NETWORK:
                os.remove(mark)  # pip downloads everything before it changes anything
            raise Failure(reason or "pip stopped; the lines above say why. Put that right. " + AGAIN)
    os.remove(mark)


def pinned(requirements, name):
    """The line of requirements.txt that pins a package."""
    with open(requirements) as file:
        return next(line.strip() for line in file if line.startswith(name + "=="))


NETWORK_TROUBLE = (
    r"Failed to establish|NewConnectionError|NameResolution|Connection(Reset|Refused|Timeout| ?broken)|timed out"
    r"|ProxyError|SSLError|Max retries|RemoteDisconnected|IncompleteRead"
)
NO_NETWORK = (
    "The packages could not be downloaded. Connect to the network (behind a proxy, set HTTPS_PROXY). "
    "What was downloaded is kept. " + AGAIN
)


def diagnose(said):
    """What to do about a step that failed, from what it said; None where its own words must do."""
    if re.search(r"No space left on device|Errno 28|not enough space|disk quota", said, re.IGNORECASE):
        return explain_os_error(OSError(errno.ENOSPC, ""))
    if re.search(NETWORK_TROUBLE, said, re.IGNORECASE):
        return NO_NETWORK
    missing = re.search(r"No matching distribution found for (\S+)", said)
    if missing:
        return (
            "There is no %s for Python %s on this system. Use Python 3.11 to 3.13, 64 bit, for example: "
            "make lab PYTHON=python3.12." % (missing.group(1), version_name())
        )
    if "ensurepip" in said:
        return "This Python cannot make environments. On Debian or Ubuntu: sudo apt install python3-venv. " + AGAIN
    return None


def run(command, quiet=False):
    """Run a command; its output goes to the screen, its errors there and back to us. Returns (status, errors)."""
    try:
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE if quiet else None, stderr=subprocess.PIPE, universal_newlines=True
        )
    except OSError as problem:
        return 127, str(problem)
    if quiet:
        said = child.communicate()[1]
        return child.returncode, said
    said = []
    for line in child.stderr:
        sys.stderr.write(line)
        said.append(line)
    return child.wait(), "".join(said)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
