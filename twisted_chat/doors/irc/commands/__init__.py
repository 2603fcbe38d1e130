"""The commands of IRC, a file for each group; each is found by itself, and puts its commands into the table."""

from importlib import import_module
from pkgutil import iter_modules

for _module in sorted(iter_modules(__path__), key=lambda module: module.name):
    import_module(f"{__name__}.{_module.name}")
