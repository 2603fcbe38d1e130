// The acts of a room's operators, and new rules of the room, as lines: words, and [text] for the text of a person. Pure.

const ACCESSES = {
	open: "everyone may enter",
	private: "only invited people may enter, and others do not see it",
	password: "a password is asked from all but its operators",
	listen: "only operators, hosts and people with a voice speak",
	topic: "only operators and hosts set the topic",
	hidden: "people outside do not see it"
}

const APPOINTED = {
	operator: "is an operator here now",
	host: "hosts the room now",
	guest: "hosts the room no longer"
}

const UNITS = [
	["day", 86400],
	["hour", 3600],
	["minute", 60],
	["second", 1]
]

const why = ({why}) => (why ? [" (", [why], ")"] : [])

function lasting({until, time}) {
	if (!until) return []
	const [unit, length] = UNITS.find(([, one]) => Math.round((until - time) / one)) ?? UNITS.at(-1)
	const count = Math.round((until - time) / length)
	return [` for ${count} ${unit}${count === 1 ? "" : "s"}`]
}

const ruled = (words) => (event) => [
	[event.text],
	` ${words}`,
	...lasting(event),
	", by ",
	[event.author],
	...why(event)
]

const worded = (access) =>
	access
		.split(" ")
		.map((word) => ACCESSES[word] ?? word)
		.join("; ")

// The words of an event, by its kind.
export const RULES = {
	removed: (event) => [[event.author], " has been removed by ", [event.by], ...why(event)],
	barred: ruled("may not enter"),
	unbarred: ruled("may enter again"),
	quieted: ruled("may not speak"),
	unquieted: ruled("may speak again"),
	voiced: ruled("has a voice"),
	unvoiced: ruled("has no voice any more"),
	invited: ruled("is invited"),
	restricted: ({author, access}) => [[author], ` has changed the access: ${worded(access)}`],
	appointed: (event) => ruled(APPOINTED[event.role] ?? "is no operator here now")(event)
}
