"""Requests: what people and programs can ask of the hub, a file for each capability; table.py collects them.

A new file has to be in the list below: its commands and requests do not exist until it is imported.
"""

from importlib import import_module

for _name in "hello talk rooms history people accounts calls settings ping help quit".split():  # in the order of /help
    import_module(f"{__name__}.{_name}")
