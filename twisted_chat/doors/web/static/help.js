// The help: the first steps, all keys, and the server's commands.

import {dialog} from "./dialog.js"
import {make} from "./dom.js"

const HOW = [
	["Say something", "Type below the lines. Enter sends; Shift+Enter begins a new line."],
	[
		"Call somebody",
		"Type @ and the first letters of an alias, and choose. They see your line marked, and can be notified."
	],
	[
		"Speak in private",
		"Choose somebody in the list of people. Only the two of you see those lines. Private conversations are kept in this browser, not on the server."
	],
	["Speak to everyone", "Everyone, in the list of rooms, reaches all who are connected, in every room."],
	[
		"Rooms",
		"Choose one in the list, or type a new name there to make one. A number counts unread lines; red means that one concerns you."
	],
	[
		"Commands",
		"Type / to see all commands, such as /topic, /away or /search. Begin with two slashes to say a line that begins with a slash."
	],
	[
		"The bell",
		"Press it to be notified, while you look elsewhere, of private lines and of lines that name you. It works over https, and on the server's own machine."
	],
	["Bring somebody in", "Invite people, below the rooms, shows a link and a code to scan."],
	["Link to a line", "The time of a line is a link to it."]
]
const KEYS = [
	["Enter", "send"],
	["Shift+Enter", "begin a new line"],
	["Tab", "complete a command, an alias or #ROOM"],
	["Up, Down", "the lines that you typed before"],
	["Page Up, Page Down", "scroll"],
	["Ctrl+K", "go to a room, a person or a command"],
	["Alt+Up, Alt+Down", "the room before, the next room"],
	["Alt+Shift+Up, Alt+Shift+Down", "the same, where something is unread"],
	["Escape", "close what is open; go to the newest line"]
]

export function open({talk}) {
	const rows = (all) => all.flatMap(([name, words]) => [make("dt", {}, name), make("dd", {}, words)])
	const commands = talk.commands.map(({name, arguments: rest, summary}) => [`/${name} ${rest}`.trim(), summary])
	const parts = [make("dl", {}, ...rows(HOW)), make("h3", {}, "Keys"), make("dl", {class: "keys"}, ...rows(KEYS))]
	if (commands.length) parts.push(make("h3", {}, "Commands"), make("dl", {class: "keys"}, ...rows(commands)))
	dialog("help", "Help", ...parts)
}
