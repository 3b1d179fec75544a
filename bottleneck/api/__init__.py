"""The same recording from inside code: ``profile``, ``stage``, ``steps``, ``mark``; and ``read``, what was recorded.

Under ``bottleneck run`` they write into the recorder of that run. Without it, ``profile`` starts a run of its own and
the others record while it is open; when nothing records, each costs well below a microsecond and says nothing.
Exceptions of the user's code always pass through unchanged, and no failure of ours ever becomes one.
"""

from .marks import mark, stage, steps
from .notebook import load_ipython_extension, unload_ipython_extension
from .profiles import Profile, ProfileError, profile
from .results import Result, read

__all__ = [
    "Profile",
    "ProfileError",
    "Result",
    "load_ipython_extension",
    "mark",
    "profile",
    "read",
    "stage",
    "steps",
    "unload_ipython_extension",
]
