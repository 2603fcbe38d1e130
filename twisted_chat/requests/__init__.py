"""Requests: what people and programs can ask of the hub, a file for each capability; table.py collects them.

A new file has to be in the list below: its commands and requests do not exist until it is imported.
"""

from importlib import import_module

NAMES = "hello talk rooms history reading people accounts moderation admin calls settings ping help quit"  # as in /help
for _name in NAMES.split():
    import_module(f"{__name__}.{_name}")
