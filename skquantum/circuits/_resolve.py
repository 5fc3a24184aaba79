"""From a name to an encoding with its defaults."""

from skquantum._validation import did_you_mean
from skquantum.circuits._amplitude import AmplitudeEncoding
from skquantum.circuits._angle import AngleEncoding, ReuploadingEncoding
from skquantum.circuits._base import Encoding
from skquantum.circuits._basis import BasisEncoding
from skquantum.circuits._phase import IQPEncoding, ZZEncoding

#: The encodings that a string names.
ENCODINGS: dict[str, type[Encoding]] = {
    "angle": AngleEncoding,
    "zz": ZZEncoding,
    "iqp": IQPEncoding,
    "amplitude": AmplitudeEncoding,
    "basis": BasisEncoding,
    "reuploading": ReuploadingEncoding,
}


def resolve_encoding(encoding: str | Encoding, param: str = "encoding") -> Encoding:
    """Return the encoding that a parameter stands for.

    Parameters
    ----------
    encoding : str or Encoding
        A key of :data:`ENCODINGS`, which stands for the encoding with its defaults, or an
        encoding.
    param : str, default="encoding"
        Name of the parameter, for error messages.

    Returns
    -------
    encoding : Encoding
        A new instance for a string, else the argument itself.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If `encoding` is neither a string nor an encoding.

    Examples
    --------
    >>> from skquantum.circuits import resolve_encoding
    >>> resolve_encoding("zz")
    ZZEncoding()
    """
    if isinstance(encoding, Encoding):
        return encoding
    names = ", ".join(map(repr, ENCODINGS))
    if isinstance(encoding, str):
        if encoding in ENCODINGS:
            return ENCODINGS[encoding]()
        raise ValueError(
            f"Unknown {param} {encoding!r}.{did_you_mean(encoding, ENCODINGS)} "
            f"Names are {names}; an Encoding instance works too."
        )
    is_class = isinstance(encoding, type) and issubclass(encoding, Encoding)
    hint = f" Did you mean {encoding.__name__}()?" if is_class else ""
    raise TypeError(
        f"{param} must be an Encoding instance or one of {names}; got {encoding!r}.{hint}"
    )
