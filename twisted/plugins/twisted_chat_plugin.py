"""Makes ``twistd chat`` and ``twist chat``."""

from twisted.application.service import ServiceMaker

serviceMaker = ServiceMaker(
    "twisted_chat",
    "twisted_chat.service",
    "Group communication: a chat server for telnet, netcat and twisted-chat.",
    "chat",
)
