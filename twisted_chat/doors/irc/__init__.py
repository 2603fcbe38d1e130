"""The IRC door: irssi, WeeChat, bots and every other client that speaks IRC."""
