"""Facts from the machine and Linux's /proc: cores, limits, and the resources that a process uses."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def raise_descriptor_limit() -> int:
    """Allow this process, and those that it starts, as many descriptors as possible; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 1_048_576) if hard != resource.RLIM_INFINITY else 1_048_576
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def two_cores() -> tuple[int, int] | None:
    """Return a core for the server and another for the load, or None if there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return None
    twins = _threads_of(cores[0])
    others = [core for core in cores[1:] if core not in twins]
    return cores[0], (others or cores[1:])[0]


def describe() -> dict[str, str]:
    """Return the facts on which figures depend."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": model[0].partition(":")[2].strip() if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load average at the start": f"{os.getloadavg()[0]:.1f}",
    }


class Usage:
    """The resources that one process uses, all its threads together."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc") / str(pid)

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used, to the clock tick: 10 milliseconds as a rule."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS  # utime and stime, see proc(5)

    def memory(self) -> int:
        """Return the bytes of memory that it has now."""
        return self._status("VmRSS")

    def peak_memory(self) -> int:
        """Return the most bytes of memory since ``forget_peak``."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Start to measure the peak again."""
        (self._folder / "clear_refs").write_text("5")  # see proc(5)

    def descriptors(self) -> int:
        """Return how many descriptors it has open."""
        return len(list((self._folder / "fd").iterdir()))

    def _status(self, name: str) -> int:
        for line in (self._folder / "status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        return 0  # a zombie has none


def _threads_of(core: int) -> set[int]:
    path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    try:
        parts = path.read_text().strip().split(",")
    except OSError:
        return {core}
    numbers = [[int(end) for end in part.split("-")] for part in parts]
    return {core for part in numbers for core in range(part[0], part[-1] + 1)}
