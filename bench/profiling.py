"""``python -m bench.profiling W1``: where Postroom's processor time goes under a workload, sampled by py-spy.

A sample belongs to the innermost function of a package that is not the standard library's: what `asyncio` or `json`
do is put down to who called them. Samples in the event loop itself (sockets, timers, waiting) are left out of the
shares, and their part is told.
"""

import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from cyclopts import App
from msgspec import Struct

from bench.contenders import POSTROOM, Running
from bench.measuring import Standin, compare, measure
from bench.processes import LOAD_CORE, python, started
from bench.tables import put_into, table
from bench.workloads import WORKLOADS, Workload, backends

__all__ = ["Profile", "profile_table", "read_stacks"]

MOST = 10
"""Areas that are shown."""

FUNCTIONS = 3
"""That are named of each area."""

BEGIN_SECONDS = 1.0
"""Of load before sampling: plans are compiled, connections open."""

AFTER_SECONDS = 3.0
"""Of load beyond what is sampled, so that none of it is rest: py-spy takes a moment to begin."""

LOOP = "Runner.run"
PLAN = "gateway/engine (compiled plans)"
_SKIPPED = ("<frozen", "<string>", "<attrs")

app = App(help="Samples where the processor time of a workload goes.")


class Profile(Struct, frozen=True):
    """How many samples each area had, and each function in it; ``loop`` were in the event loop itself."""

    areas: dict[str, Counter[str]]
    loop: int

    @property
    def samples(self) -> int:
        """All that are not the loop's own."""
        return sum(functions.total() for functions in self.areas.values())


def read_stacks(lines: Iterable[str]) -> Profile:
    """Reads folded stacks: frames from the outermost on, with semicolons between, a space, and how often it was seen.

    Only the thread of the event loop counts.
    """
    areas: dict[str, Counter[str]] = defaultdict(Counter)
    loop = 0
    for line in lines:
        stack, _, count = line.rstrip().rpartition(" ")
        frames = [_frame(text) for text in stack.split(";")]
        begins = next((place for place, (function, _) in enumerate(frames) if function == LOOP), None)
        if begins is None:
            continue
        for function, file in reversed(frames[begins + 1 :]):
            area = _area(file)
            if area is not None:
                areas[area][function] += int(count)
                break
        else:
            loop += int(count)
    return Profile(dict(areas), loop)


def _frame(text: str) -> tuple[str, str]:
    """``function (file:line)``, without the line."""
    function, _, place = text.rpartition(" (")
    return function, place.rstrip(")").rpartition(":")[0]


def _area(file: str) -> str | None:
    """Ours by folder, others' by package; None where it is the standard library's, or made of text."""
    if file == "<plan>":
        return PLAN
    first, *more = Path(file).parts
    if file.startswith(_SKIPPED) or Path(first).stem in sys.stdlib_module_names:
        return None
    if first == "gateway" and more:
        return f"gateway/{more[0]}"
    return Path(first).stem


def profile_table(profile: Profile) -> str:
    """The areas with the most samples, and the functions of each that had the most."""
    ranked = sorted(profile.areas.items(), key=lambda area: -area[1].total())[:MOST]
    rows = [_row(name, functions, profile.samples) for name, functions in ranked]
    return table(["where", "share", "most of it in"], rows)


def _row(name: str, functions: Counter[str], samples: int) -> Sequence[str]:
    most = ", ".join(f"`{function}`" for function, _ in functions.most_common(FUNCTIONS))
    return [f"`{name}`", f"{functions.total() / samples:.0%}", most]


def sampled(running: Running, workload: Workload, standin: Standin, *, seconds: int, rate: int) -> Profile:
    """Samples while the load is on. Raises RuntimeError when py-spy may not look, with what it says."""
    measure(running, workload, standin, seconds=BEGIN_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder) / "stacks"
        spy = Path(sysconfig.get_path("scripts")) / "py-spy"
        options = ["--format", "raw", "--output", str(stacks), "--duration", str(seconds), "--rate", str(rate)]
        command = [str(spy), "record", "--pid", str(running.process.pid), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as recording:  # noqa: S603
            measure(running, workload, standin, seconds=seconds + AFTER_SECONDS)
            said, _ = recording.communicate()
        if recording.returncode or not stacks.exists():
            raise RuntimeError(f"py-spy could not sample; it needs leave to trace other processes: {said[-500:]}")
        return read_stacks(stacks.read_text(encoding="utf-8").splitlines())


@app.default
def main(workload: str = "W1", *, seconds: int = 15, rate: int = 250, readme: Path | None = None) -> None:
    """Samples.

    Args:
        workload: Its name.
        seconds: For so long.
        rate: So many times a second.
        readme: Write the table into this file, where it has a place for this workload's.
    """
    with started(LOAD_CORE, python("bench.standin")) as process:
        standin = Standin.listening(process)
        with Running.of(POSTROOM, backends(standin.port)) as running:
            compare(running, WORKLOADS[workload])
            profile = sampled(running, WORKLOADS[workload], standin, seconds=seconds, rate=rate)
    whole = profile.samples + profile.loop
    told = f"{whole:,} samples of {workload}; {profile.loop / whole:.0%} in the event loop itself are left out.\n"
    text = f"{told}\n{profile_table(profile)}"
    print(text)  # noqa: T201 - a command
    if readme is not None:
        put_into(readme, f"profile of {workload}", text)


if __name__ == "__main__":
    app()
