"""Requests: what people and programs can ask of the hub, a file for each capability; table.py collects them.

A new file is found by itself. Its commands stand at the end of /help, unless it is in the list below.
"""

from importlib import import_module
from pkgutil import iter_modules

ORDER = (  # of /help
    "hello talk rooms history reading people accounts credentials moderation admin calls settings ping help quit"
).split()
_FOUND = {module.name for module in iter_modules(__path__)}
for _name in (*ORDER, *sorted(_FOUND - {*ORDER, "docs"})):  # docs.py makes the documents, and is a program
    import_module(f"{__name__}.{_name}")
