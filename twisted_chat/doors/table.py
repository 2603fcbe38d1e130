"""The table of doors: the server has one option for each, and opens those that have an endpoint, in this order."""

from __future__ import annotations

from .base_door import BaseDoor
from .irc.door import IrcDoor
from .line.door import LineDoor
from .ops.door import MetricsDoor
from .ssh.door import SshDoor
from .web.door import WebDoor

DOORS: list[type[BaseDoor]] = [LineDoor, WebDoor, IrcDoor, SshDoor, MetricsDoor]
