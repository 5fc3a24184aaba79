"""Threads of the linear algebra that runs inside the engine."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

from threadpoolctl import ThreadpoolController

SMALL = 2**13  # amplitudes below which no product is large enough to be shared among threads


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # it searches the process's libraries and takes its time


def one_blas_thread(amplitudes: int) -> AbstractContextManager:
    """Keep BLAS to one thread while chunks of states are worked on.

    Chunks stay in one core's cache, and their products are many and small: handing each of them
    to another thread and back costs more than it gains, and on busy cores a hundred times more.
    """
    if amplitudes < SMALL:
        return nullcontext()
    return _controller().limit(limits=1, user_api="blas")
