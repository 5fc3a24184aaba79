"""A measured number beside a published one."""

import sys


def report(rows):
    """Print what was published and what came out; exit with 1 if a number is outside.

    Parameters
    ----------
    rows : list of (name, published, measured, tolerance)
        Outside is what differs by more than the tolerance from what was published. With None as
        the tolerance, `published` is the largest value allowed.
    """
    outside = False
    for name, published, measured, tolerance in rows:
        limit = measured <= published if tolerance is None else None
        inside = abs(measured - published) <= tolerance if limit is None else limit
        outside |= not inside
        wanted = f"at most {published:.3g}" if tolerance is None else f"{published:.3f}"
        within = "" if tolerance is None else f" within {tolerance:g}"
        verdict = "inside" if inside else "OUTSIDE"
        print(f"{name}: published {wanted}{within}, ours {measured:.3g}: {verdict}")
    sys.exit(int(outside))
