"""Progress on stderr, and stopping on Ctrl-C."""

import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO


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


class Progress:
    """Lines on stderr: one that is rewritten on a terminal, one for each step elsewhere.

    Parameters
    ----------
    verbose : int
        0 says nothing.
    stream : file, default=None
        Where to write; ``sys.stderr`` by default.
    """

    def __init__(self, verbose: int, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.verbose = verbose
        self.rewrites = verbose > 0 and self.stream.isatty()
        self.start = time.perf_counter()

    def say(self, line: str) -> None:
        """Write a line that stays."""
        if self.verbose:
            end = "\x1b[K\n" if self.rewrites else "\n"
            print(("\r" if self.rewrites else "") + line, end=end, file=self.stream, flush=True)

    def step(self, done: int, total: int, line: str) -> None:
        """Tell that a step is done, and how far the whole is."""
        elapsed = time.perf_counter() - self.start
        line = f"[{done:{len(str(total))}}/{total}] {elapsed:6.1f} s  {line}"
        if self.rewrites and done < total:
            width = shutil.get_terminal_size().columns - 1  # a full line would wrap
            print(f"\r{line[:width]}\x1b[K", end="", file=self.stream, flush=True)
        else:
            self.say(line)
