"""Requests: what people and programs can ask of the hub, a file for each capability; table.py collects them.

A new file has to be in the list below: its commands and requests do not exist until it is imported.
"""

from importlib import import_module

NAMES = (  # in the order of /help
    "hello talk rooms history reading people accounts credentials moderation admin calls settings ping help quit"
)
for _name in NAMES.split():
    import_module(f"{__name__}.{_name}")
