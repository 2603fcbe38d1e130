"""Requests: what people and programs can ask of the hub, a file a capability; table.py has all of it."""

from importlib import import_module

for _name in "hello talk rooms history people calls settings ping help quit".split():  # in the order of /help
    import_module(f"{__name__}.{_name}")
