// Completion at the end of a text: the server's commands, aliases, rooms. Pure.

const MAX_OFFERS = 40
const FIRST = /^\[?([A-Z]+)/ // of a command's arguments

// Return the command that a text begins with, by any of its names.
export function commandOf(text, commands) {
	const name = text.match(/^\/([^\s/]\S*)/)?.[1].toLowerCase()
	return commands.find((command) => command.name === name || command.short.includes(name))
}

// Return {start, list: [{text, label, hint}]} for the text before the cursor; "text" replaces all from "start" on.
export function offers(before, known) {
	const word = before.match(/\S*$/)[0]
	const start = before.length - word.length
	return {start, list: choices(before.slice(0, start), word, known).slice(0, MAX_OFFERS)}
}

function choices(head, word, {commands, aliases, rooms, own}) {
	if (!head && word.startsWith("/")) return commandsFor(word.slice(1).toLowerCase(), commands)
	const argument = head.match(/^\S+\s+$/) ? commandOf(head, commands)?.arguments.match(FIRST)?.[1] : undefined
	if (argument === "COMMAND") return commandsFor(word.toLowerCase(), commands, "", "")
	if (argument === "ROOM") return named(rooms, word.replace(/^#/, ""), "", " ")
	if (word.startsWith("#")) return named(rooms, word.slice(1), "#", " ")
	const others = aliases.filter((alias) => alias !== own)
	if (!word && argument !== "ALIAS") return []
	return named(others, word.replace(/^@/, ""), "", head ? " " : ": ")
}

function commandsFor(word, commands, slash = "/", end = " ") {
	const whole = commands.filter(({name}) => name.startsWith(word))
	const short = commands.filter(
		(one) => !whole.includes(one) && word && one.short.some((name) => name.startsWith(word))
	)
	return [...whole, ...short].map(({name, arguments: rest, summary}) => ({
		text: `${slash}${name}${end}`,
		label: `${slash}${name} ${rest}`.trim(),
		hint: summary
	}))
}

function named(all, word, before, end) {
	const found = all.filter((name) => name.toLowerCase().startsWith(word.toLowerCase()))
	return found.map((name) => ({text: `${before}${name}${end}`, label: before + name, hint: ""}))
}
