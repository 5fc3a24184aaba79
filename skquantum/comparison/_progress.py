"""Progress, with an estimate of the time that is left, and stopping on Ctrl-C."""

import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO

import numpy as np

from skquantum.comparison._measure import FoldResult
from skquantum.comparison._summary import in_words


class Interrupted(BaseException):
    """Ctrl-C during a comparison.

    Not a `KeyboardInterrupt`: estimators that train step by step (`MLPClassifier` is one) catch
    that to keep what they have learned so far, and the comparison would go on with a model cut
    short.
    """


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C into `Interrupted`, unless somebody else handles the signal."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def notebook_display() -> Any:
    """Return what shows an object in a notebook that is running, None outside of one."""
    ipython, showing = sys.modules.get("IPython"), sys.modules.get("IPython.display")
    if ipython is None or showing is None or not hasattr(ipython.get_ipython(), "kernel"):
        return None
    return showing.display


class Line(str):
    """A line that a notebook shows as it is."""

    def __repr__(self) -> str:
        return str(self)


class ProgressLine:
    """How far a run has got: on a terminal and in a notebook one line that is rewritten.

    Parameters
    ----------
    verbose : int or None
        0 says nothing; 1 tells everything, on a line for each step where nothing can be
        rewritten; None shows the one line on a terminal and in a notebook, and nothing elsewhere.
    stream : file, default=None
        Where to write; ``sys.stderr`` by default.
    display : callable, default=None
        What shows an object in a notebook; by default that of IPython, in a notebook.
    """

    def __init__(
        self, verbose: int | None, stream: TextIO | None = None, display: Any = None
    ) -> None:
        self.stream = stream or sys.stderr
        self.talks = bool(verbose)
        asked = verbose is None or verbose > 0
        self.display = (display or notebook_display()) if asked else None
        self.rewrites = asked and self.display is None and self.stream.isatty()
        self.handle: Any = None
        self.start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long this has been going on."""
        return time.perf_counter() - self.start

    def say(self, line: str) -> None:
        """Write a line that stays, if everything is to be told."""
        if self.talks:
            self.clear()
            print(line, file=self.stream, flush=True)

    def clear(self) -> None:
        """Take the line of progress away, so that something else can be written."""
        if self.rewrites:
            print("\r\x1b[K", end="", file=self.stream, flush=True)

    def step(self, done: int, total: int, line: str, left: float | None = None) -> None:
        """Tell that a step is done, how far the whole is, and how long the rest will take."""
        rest = "" if left is None or done == total else f"  about {in_words(left)} left"
        line = f"[{done:{len(str(total))}}/{total}] {self.seconds:6.1f} s{rest}  {line}"
        if self.display is not None:
            if self.handle is None:
                self.handle = self.display(Line(line), display_id=True)
            else:
                self.handle.update(Line(line))
        elif self.rewrites:
            width = shutil.get_terminal_size().columns - 1  # a full line would wrap
            print(f"\r{line[:width]}\x1b[K", end="", file=self.stream, flush=True)
        else:
            self.say(line)

    def end(self) -> None:
        """Leave the last line standing."""
        if self.rewrites:
            print(file=self.stream, flush=True)


def time_left(
    results: Sequence[FoldResult], models: Sequence[str], n_folds: int, n_jobs: int
) -> float | None:
    """Return how many seconds the folds that are missing will take, None if that can't be told.

    Every model is taken to need for each of its folds what it needed for those that are finished.

    Parameters
    ----------
    results : sequence of FoldResult
        What is finished.
    models : sequence of str
        The models that are being run.
    n_folds : int
    n_jobs : int
        Processes that share the work.
    """
    left = 0.0
    for model in models:
        taken = [result.seconds for result in results if result.model == model]
        if not taken:
            return None
        left += (n_folds - len(taken)) * float(np.mean(taken))
    return left / n_jobs
