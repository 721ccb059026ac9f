"""What keeps a learner's process away from everything but its own answer: namespaces, another user, limits.

The judge's own safety is that it never shares a process with an answer and never unpickles what comes from one. This
is the second wall, for strangers' answers. It uses what Linux gives to everybody, through the system calls themselves:
a forked process has to wall itself in, so a program that wraps a command, such as bubblewrap, comes too late.

Most of it is built once, around the server that forks (`Walls`), which takes longer than to grade an answer; each fork
adds only what it must share with no other.

    limits      time of the processor, memory, size of files, number of files and processes
    processes   a process namespace of its own: it sees none but its own, and all of them end with the first
    network     a network namespace of its own, in which there is no way out
    files       another root, in memory: the system's and Python's libraries to read, and a small folder to write in
    user        no privileges, and none to be had (no_new_privs); a user's identity that owns nothing
"""

import ctypes
import os
import signal
import site
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from course_lib.paths import repository

ANSWER = "/answer"  # where an answer begins
NAME = "course-answer"  # of a process, for who looks at all that run
GUARDS = ("limits", "processes", "network", "files", "user")
NOBODY = 65534
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
MNT_DETACH, PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_NO_NEW_PRIVS = 2, 1, 15, 38
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}  # the number of the system call, which has no name in libc
CAPABILITIES_3 = 0x20080522  # the version of the data that `capset` takes
MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What the processes of one submission may use.

    Args:
        seconds: of the processor, each process.
        memory: bytes that a process may take beyond what the libraries take.
        processes: at a time, threads included.
        file_bytes: of a file, and of all files together.
        open_files: at a time.
    """

    seconds: int = 300
    memory: int = 1024 * MIB
    processes: int = 16
    file_bytes: int = 64 * MIB
    open_files: int = 128


class Walls:
    """The walls around a process that others are forked from, as far as the system allows.

    The process forks on the way, since a process namespace takes in only what is born in it; what was called with the
    first process goes on in the second, and the first waits and ends with it.

    Args:
        scratch: an empty folder of the judge's, on which the new root is mounted.
        limits: for each process that is forked, and those that it starts.
        hidden: folders below the readable ones that are to be empty.
    """

    def __init__(self, scratch: str, limits: Limits, hidden: tuple[str, ...] = ()):
        self.limits, self.was_root = limits, os.geteuid() == 0
        self._taken = _address_space()
        self.around: set[str] = {"limits"}  # the guards around all forks
        self._processes: int | None = None  # the process namespace of this process
        self._may_be_nobody = True
        if _possible(_own_namespaces):
            _own_namespaces()
            _go_on_as_first_process()
            self._processes = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
            walls = {"network": _no_network, "files": lambda: _own_root(scratch, limits, hidden)}
            self.around |= {"processes", *(name for name, build in walls.items() if _tried(build))}
        if self.was_root and "files" not in self.around:  # whose libraries may lie in a folder of root's
            self._may_be_nobody = _possible(_read_as_nobody)

    def fork(self) -> int:
        """As `os.fork`; where there are namespaces, the child is the first process of its own."""
        if self._processes is None:
            server, number = os.getpid(), os.fork()
            if number == 0:
                end_with_parent(server)
            return number
        _call("unshare", CLONE_NEWPID)  # of what is born next
        number = os.fork()  # it ends with this process, the first of the namespace around it
        if number:
            _call("setns", self._processes, CLONE_NEWPID)
        return number

    def enter(self, scratch: str) -> tuple[str, ...]:
        """Shut a forked process in, from the others too.

        Args:
            scratch: an empty folder, in which it begins where it has no root of its own.

        Returns:
            the guards that are in force, of `GUARDS`
        """
        in_force = set(self.around)
        _call("prctl", PR_SET_NAME, NAME.encode(), 0, 0, 0)
        if "processes" in self.around:
            _call("unshare", CLONE_NEWNS | CLONE_NEWIPC)
        if "files" in self.around:
            _own_folder(self.limits)
        else:
            os.chdir(scratch)
            if self.was_root and self._may_be_nobody:
                os.chown(scratch, NOBODY, NOBODY)  # to write in
        if self._may_be_nobody and _tried(lambda: _give_up_privileges(self.was_root)):
            in_force.add("user")
        if "processes" not in self.around:
            end_with_parent(os.getppid())  # a change of user takes it back
        _limit(self.limits, self._taken)
        return tuple(name for name in GUARDS if name in in_force)


def end_with_parent(parent: int) -> None:
    """Have the system end this process when its parent ends, whose number is given in case it already has."""
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def missing(in_force: tuple[str, ...]) -> str:
    """What a machine lacks for grading strangers, in a sentence; empty if nothing."""
    lacking = [name for name in GUARDS if name not in in_force]
    if not lacking:
        return ""
    return (
        f"this machine cannot shut a learner's process off from: {', '.join(lacking)}. Grade strangers' answers on "
        "Linux, as root or where user namespaces are allowed (on Ubuntu: sudo sysctl "
        "kernel.apparmor_restrict_unprivileged_userns=0, elsewhere: sudo sysctl kernel.unprivileged_userns_clone=1)"
    )


def readable() -> Iterator[Path]:
    """The folders and files that an answer needs to run: libraries, and this package."""
    places = [sys.prefix, sys.base_prefix, *site.getsitepackages(), str(repository() / "course_lib")]
    places += ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo"]
    seen: list[Path] = []
    for place in map(Path, places):
        for path in (place, place.resolve()):
            if path.exists() and not path.is_symlink() and not any(path.is_relative_to(parent) for parent in seen):
                seen.append(path)
                yield path


# ---- the walls, one by one; each raises OSError where the system does not allow it


def _own_namespaces() -> None:
    """Namespaces of files, processes and names; without privileges, a namespace of users first, in which there are."""
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS
    user, group = os.geteuid(), os.getegid()
    _call("unshare", flags if user == 0 else flags | CLONE_NEWUSER)
    if user != 0:
        maps = {"setgroups": "deny", "uid_map": f"{NOBODY} {user} 1", "gid_map": f"{NOBODY} {group} 1"}
        for name, text in maps.items():
            Path("/proc/self", name).write_text(text)
    _mount(None, "/", MS_REC | MS_PRIVATE)  # what is mounted here is seen nowhere else


def _no_network() -> None:
    _call("unshare", CLONE_NEWNET)


def _own_root(root: str, limits: Limits, hidden: tuple[str, ...]) -> None:
    """A root in memory with the readable folders in it, none of which can be written."""
    _mount("tmpfs", root, MS_NOSUID | MS_NODEV, kind="tmpfs", options="size=1m,mode=755")
    for path in readable():
        _show(path, root)
    for folder in hidden:
        if os.path.isdir(root + folder):
            _mount("tmpfs", root + folder, MS_RDONLY | MS_NOSUID | MS_NODEV, kind="tmpfs", options="size=4k,mode=755")
    for link in ("lib", "lib64"):
        if os.path.islink(f"/{link}"):
            os.symlink(os.readlink(f"/{link}"), f"{root}/{link}")
    for device in ("/dev/null", "/dev/zero", "/dev/urandom"):
        _show(Path(device), root, MS_NOSUID)
    for folder in ("/tmp", ANSWER, "/before"):
        os.makedirs(root + folder, exist_ok=True)
    number = PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"no way to change the root on {os.uname().machine}")
    _call("syscall", number, root.encode(), f"{root}/before".encode())
    os.chdir("/")
    _call("umount2", b"/before", MNT_DETACH)
    os.rmdir("/before")
    _mount(None, "/", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)  # or one answer could leave files


def _own_folder(limits: Limits) -> None:
    """An empty folder in memory that can be written, also as /tmp."""
    _mount("tmpfs", ANSWER, MS_NOSUID | MS_NODEV, kind="tmpfs", options=f"size={limits.file_bytes},mode=1777")
    if not os.listdir("/tmp"):  # what is readable may lie below it
        _mount(ANSWER, "/tmp", MS_BIND)
    os.chdir(ANSWER)


def _show(path: Path, root: str, flags: int = MS_RDONLY | MS_NOSUID | MS_NODEV) -> None:
    """Mount a folder or a file at its own place under a new root."""
    place = Path(root + str(path))
    if path.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    _mount(str(path), str(place), MS_BIND | MS_REC)
    _mount(None, str(place), MS_BIND | MS_REMOUNT | flags)


def _go_on_as_first_process() -> None:
    """Fork: the child is the first process of its namespace, and all others in it end when it does."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    end_with_parent(0)  # which the parent's number is, seen from a namespace that it is not in


def _give_up_privileges(was_root: bool) -> None:
    """No privileges any more, and no way to new ones: root becomes nobody, a user loses those of its namespace."""
    if was_root:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    else:
        header, none = struct.pack("=Ii", CAPABILITIES_3, 0), bytes(24)
        _call("capset", header, none)
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _read_as_nobody() -> None:
    """Open what an answer needs to read; PermissionError where only root may."""
    paths = list(readable())
    _give_up_privileges(was_root=True)
    for path in paths:
        with os.scandir(path) if path.is_dir() else path.open("rb"):
            pass


def _limit(limits: Limits, taken: int) -> None:
    """Set the limits, which can't be raised again; `taken` bytes of address space are the libraries'."""
    import resource  # not there on Windows, which this module is imported on as well

    wanted = {
        resource.RLIMIT_CPU: limits.seconds,
        resource.RLIMIT_AS: taken + limits.memory,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _address_space() -> int:
    """Bytes that this process has mapped."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


# ---- system calls


def _tried(wall: Callable[[], None]) -> bool:
    """Whether a wall could be built."""
    try:
        wall()
    except OSError:
        return False
    return True


def _possible(wall: Callable[[], None]) -> bool:
    """Whether a wall can be built, found out in a fork: one that half stands cannot be taken down again.

    Ubuntu 24.04 lets everybody make a namespace of users and then forbids its use; a process that has asked for a
    namespace of processes besides can fork only as long as its first child lives.
    """
    child = os.fork()
    if child == 0:
        built = False
        try:
            built = _tried(wall)
        finally:
            os._exit(0 if built else 1)
    return os.waitpid(child, 0)[1] == 0


def _mount(source: str | None, target: str, flags: int, *, kind: str | None = None, options: str | None = None) -> None:
    texts = [text and text.encode() for text in (source, target, kind)]
    _call("mount", *texts, flags, options and options.encode())


def _call(name: str, *arguments) -> None:
    """A call into the system's library; OSError where it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
