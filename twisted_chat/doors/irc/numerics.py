"""The numerics that the IRC door sends, with the texts of those that have always the same (modern.ircdocs.horse)."""

from __future__ import annotations

from typing import NamedTuple


class Numeric(NamedTuple):
    """A numeric, and its last parameter if that is always the same."""

    code: str
    text: str = ""


class IrcRefused(Exception):
    """A message that a command refuses, with the numeric that says why and the parameters before its text."""

    def __init__(self, numeric: Numeric, *parameters: str) -> None:
        super().__init__(numeric.text)
        self.numeric = numeric
        self.parameters = parameters


RPL_WELCOME = Numeric("001")
RPL_YOURHOST = Numeric("002")
RPL_CREATED = Numeric("003")
RPL_MYINFO = Numeric("004")
RPL_ISUPPORT = Numeric("005", "are supported by this server")
RPL_LUSERCLIENT = Numeric("251")
RPL_LUSEROP = Numeric("252", "operator(s) online")
RPL_LUSERUNKNOWN = Numeric("253", "unknown connection(s)")
RPL_LUSERCHANNELS = Numeric("254", "channels formed")
RPL_LUSERME = Numeric("255")
RPL_LOCALUSERS = Numeric("265")
RPL_GLOBALUSERS = Numeric("266")
RPL_AWAY = Numeric("301")
RPL_NOTOPIC = Numeric("331", "No topic is set")
RPL_TOPIC = Numeric("332")
RPL_TOPICWHOTIME = Numeric("333")
RPL_NAMREPLY = Numeric("353")
RPL_ENDOFNAMES = Numeric("366", "End of /NAMES list")
RPL_MOTD = Numeric("372")
RPL_MOTDSTART = Numeric("375")
RPL_ENDOFMOTD = Numeric("376", "End of /MOTD command.")

ERR_NOSUCHNICK = Numeric("401", "No such nick/channel")
ERR_NOSUCHSERVER = Numeric("402", "No such server")
ERR_NOSUCHCHANNEL = Numeric("403", "No such channel")
ERR_CANNOTSENDTOCHAN = Numeric("404", "Cannot send to channel")
ERR_TOOMANYCHANNELS = Numeric("405", "You have joined too many channels")
ERR_TOOMANYTARGETS = Numeric("407", "Too many targets")
ERR_NOORIGIN = Numeric("409", "No origin specified")
ERR_INVALIDCAPCMD = Numeric("410", "Invalid CAP command")
ERR_NORECIPIENT = Numeric("411")
ERR_NOTEXTTOSEND = Numeric("412", "No text to send")
ERR_INPUTTOOLONG = Numeric("417", "Input line was too long")
ERR_UNKNOWNCOMMAND = Numeric("421", "Unknown command")
ERR_NONICKNAMEGIVEN = Numeric("431", "No nickname given")
ERR_ERRONEUSNICKNAME = Numeric("432", "Erroneous nickname")
ERR_NICKNAMEINUSE = Numeric("433", "Nickname is already in use")
ERR_USERNOTINCHANNEL = Numeric("441", "They aren't on that channel")
ERR_NOTONCHANNEL = Numeric("442", "You're not on that channel")
ERR_NOTREGISTERED = Numeric("451", "You have not registered")
ERR_NEEDMOREPARAMS = Numeric("461", "Not enough parameters")
ERR_ALREADYREGISTERED = Numeric("462", "You may not reregister")
ERR_PASSWDMISMATCH = Numeric("464", "Password incorrect")
ERR_YOUREBANNEDCREEP = Numeric("465")
ERR_INVITEONLYCHAN = Numeric("473", "Cannot join channel (+i)")
ERR_BANNEDFROMCHAN = Numeric("474", "Cannot join channel (+b)")
ERR_BADCHANNELKEY = Numeric("475", "Cannot join channel (+k)")
ERR_CHANOPRIVSNEEDED = Numeric("482", "You're not channel operator")
