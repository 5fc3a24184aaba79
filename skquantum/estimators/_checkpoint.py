"""A training in a file: after a kill it goes on from the last epoch, as if nothing had been."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import time
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skquantum._validation import plain

FORMAT = 1
EVERY = 1.0  # seconds between two files
ARRAYS = ("theta", "best_theta", "good_theta")
NUMBERS = ("best_loss", "best_score", "n_steps", "no_improvement")
CURVES = ("loss_curve", "validation_scores")
#: What a training that goes on may change: how long it is, and what it says.
FREE = {"max_iter", "verbose", "checkpoint"}


class Checkpoint:
    """The file of a training, and whose training it is.

    Parameters
    ----------
    path : str or path-like
        The file; its folder has to exist.
    model : dict of str to str
        What tells trainings apart, by names that errors use.

    Raises
    ------
    ValueError
        If the folder is missing or can't be written to.
    """

    def __init__(self, path: str | os.PathLike[str], model: Mapping[str, str]) -> None:
        self.path, self.model = Path(path).expanduser(), dict(model)
        self._pending: bytes | None = None
        self._written = -np.inf
        if self.path.is_dir() or not os.access(self.path.parent, os.W_OK):
            raise ValueError(
                f"checkpoint={str(self.path)!r} is no file in a folder that can be written to: "
                "give the path of a file such as 'training.npz'."
            )

    def resume(self, progress: Any) -> tuple[bool, tuple[int, int]]:
        """Bring a training to where the file has it.

        Parameters
        ----------
        progress : Progress
            Changed in place, if there is a file.

        Returns
        -------
        ended : bool
            Whether it had come to its end.
        counts : (int, int)
            Rows that were run forward alone, and with a gradient.

        Raises
        ------
        ValueError
            If the file is damaged, or of another training.
        """
        if not self.path.exists():
            return False, (0, 0)
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                arrays = {name: found[name] for name in found.files}
            state = json.loads(str(arrays.pop("state")))
            kept, model = state["progress"], state["model"]
            rng = ("MT19937", arrays["rng"], *state["rng"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"checkpoint={str(self.path)!r} could not be read ({error}): remove the file to "
                "begin anew, or give another path."
            ) from error
        self._check(state.get("format"), model)
        for name in ARRAYS:
            setattr(progress, name, arrays.get(name))
        for name in (*NUMBERS, *CURVES):
            setattr(progress, name, kept[name])
        begins = "slot "
        progress.slots = {
            name.removeprefix(begins): array
            for name, array in arrays.items()
            if name.startswith(begins)
        }
        progress.rng.set_state(rng)
        return bool(state["ended"]), tuple(state["counts"])

    def _check(self, version: Any, model: Mapping[str, str]) -> None:
        if version != FORMAT:
            raise ValueError(
                f"checkpoint={str(self.path)!r} is of version {version!r} of its format, and this "
                f"skquantum reads version {FORMAT}: remove the file to begin anew."
            )
        names = dict.fromkeys([*self.model, *model])
        differ = [name for name in names if model.get(name) != self.model.get(name)]
        if differ:
            told = (
                f"{name} (it was {plain(str(model.get(name)))}, and is "
                f"{plain(str(self.model.get(name)))})"
                for name in differ[:3]
            )
            raise ValueError(
                f"checkpoint={str(self.path)!r} is of another training: {', '.join(told)} differ. "
                "Give another path, or remove the file to begin anew."
            )

    def note(self, progress: Any, counts: tuple[int, int], ended: bool) -> None:
        """Take the state after an epoch, and write it if the last time is long ago."""
        name, keys, *rest = progress.rng.get_state(legacy=True)
        state = {
            "format": FORMAT,
            "model": self.model,
            "progress": {name: getattr(progress, name) for name in (*NUMBERS, *CURVES)},
            "rng": rest,
            "counts": counts,
            "ended": ended,
        }
        arrays = {n: a for n in ARRAYS if (a := getattr(progress, n)) is not None}
        arrays |= {f"slot {name}": array for name, array in progress.slots.items()}
        file = io.BytesIO()
        np.savez(file, rng=keys, state=np.array(json.dumps(state)), **arrays)
        self._pending = file.getvalue()
        if ended or time.monotonic() - self._written > EVERY:
            self.write()

    def write(self) -> None:
        """Write the last state that was taken, as a whole or not at all.

        Warns
        -----
        RuntimeWarning
            If it can't be written, on a full disk for instance: the training goes on.
        """
        if self._pending is None:
            return
        content, self._pending, self._written = self._pending, None, time.monotonic()
        partial = None
        try:
            handle, partial = tempfile.mkstemp(dir=self.path.parent, suffix=".partial")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(partial, self.path)
        except OSError as error:
            warnings.warn(
                f"checkpoint={str(self.path)!r} could not be written ({error.strerror or error}); "
                "the training goes on without.",
                RuntimeWarning,
                stacklevel=2,
            )
        finally:
            if partial is not None:
                Path(partial).unlink(missing_ok=True)


def identity(estimator: Any, solver: str, *rows: np.ndarray | None) -> dict[str, str]:
    """Return what tells a training from others: class, parameters and rows.

    Parameters
    ----------
    estimator : estimator
        Its parameters, and those of its parts.
    solver : str
        The solver by the name that it is known by. How far the steps of "spsa" have decayed
        depends on how many there are.
    *rows : ndarray or None
        What it learns from.
    """
    found = {"estimator": type(estimator).__name__}
    free = FREE - {"max_iter"} if solver == "spsa" else FREE
    for name, value in sorted(estimator.get_params(deep=True).items()):
        if name not in free:
            found[name] = _told(value)
    digest = hashlib.sha256()
    for array in rows:
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    found["data"] = digest.hexdigest()[:16]
    return found


def _told(value: Any) -> str:
    """Return a parameter as a text that is the same in every process."""
    if isinstance(value, np.ndarray):
        return f"array {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]}"
    text = repr(value)
    if hasattr(value, "get_params") or " at 0x" in text:  # its parameters have names of their own
        return type(value).__qualname__
    return text
