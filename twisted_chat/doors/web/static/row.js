// How one thing that happened looks: a list item for each entry of a log. What people wrote is text nodes only.

import { make } from "./dom.js"
import { folded } from "./fold.js"
import { pieces } from "./links.js"
import { colour, initialOf, isSame } from "./people.js"
import { clock, counted, dayOf, full, isSameDay } from "./times.js"

const MOVES = new Set(["joined", "left", "renamed"])
const SAID = new Set(["said", "acted"])
const HIDDEN = new Set(["took", "ignored"]) // there so that numbers have no gaps, and nothing to show
const TOGETHER = 300 // seconds within which one author's lines stand together

// -- entries: what stands together

// Return [{key, items, isAgain, day, isNew}] for some items of a log, oldest first.
export function entriesOf(log, items) {
	const entries = []
	let isNew = false // what is unread begins here
	for (const item of items) {
		const before = entries.at(-1)
		if (before && !isNew && MOVES.has(item.kind) && MOVES.has(before.items[0].kind) && isOneDay(before, item)) {
			before.items.push(item)
		} else if (!HIDDEN.has(item.kind)) {
			entries.push(entry(before, item, isNew))
			isNew = false
		}
		isNew ||= item.key === log.mark
	}
	return entries
}

function entry(before, item, isNew) {
	const day = item.time && !(before && isOneDay(before, item)) ? dayOf(item.time) : ""
	const isAgain = !day && !isNew && Boolean(before) && isOneSpeech(before.items[0], item)
	return { key: item.key, items: [item], isAgain, day, isNew }
}

const timeOf = (item) => item.time || item.event?.time || 0

function isOneDay(before, item) {
	const time = timeOf(before.items.at(-1))
	return !time || !timeOf(item) || isSameDay(time, timeOf(item))
}

function isOneSpeech(one, other) {
	const isSpeech = one.kind === "said" && other.kind === "said" && isSame(one.author, other.author)
	return isSpeech && other.time - one.time < TOGETHER
}

// What about an entry can change while it is shown; in another journal, even what its number means.
export const signature = ({ items, isAgain, day, isNew }, log) =>
	[items.length, items[0].time, items[0].lines?.length, items[0].state, isAgain, day, isNew, items.some((item) => isMarked(log, item))].join()

const isMarked = (log, item) => log.marked !== undefined && item.number <= log.marked && log.marked <= item.end

// -- rows

// Make the list items of an entry: the row, after the rule that divides it from what was before.
export function rowsOf(log, entry, acts) {
	const [item] = entry.items
	const row = (ROWS[item.kind] ?? quiet)(log, entry.items, acts)
	row.classList.toggle("again", entry.isAgain)
	row.classList.toggle("marked", entry.items.some((one) => isMarked(log, one)))
	const rules = [entry.day && rule("rule", entry.day), entry.isNew && rule("rule new", "new")]
	return [...rules.filter(Boolean), row]
}

const rule = (name, words) => make("li", { class: name }, make("span", {}, words))

function said(log, [item], acts) {
	const row = speech(log, item, log.kind === "room" ? "" : log.kind, when(log, item))
	row.classList.toggle("call", log.kind === "room" && Boolean(item.isCall))
	if (item.state) row.append(stateOf(item, acts))
	return row
}

// A line that is to one person or to everyone, in the room where its reader is just now.
function copied(log, [{ event }]) {
	const kind = event.room === "*" ? "everyone" : "person"
	return speech(log, event, kind, make("span", { class: "when" }, clock(event.time)))
}

function speech(log, event, kind, time) {
	const { author, text } = event
	const numbered = log.kind === "room" && event.number ? { "data-number": event.number } : {}
	const classes = ["line", event.kind, kind, event.state].filter(Boolean)
	const name = make("b", { class: "author", dir: "auto" }, author)
	const who = kind ? make("span", { class: "who" }, "[", name, ` -> ${kind === "everyone" ? "all" : event.to ?? event.room.slice(1)}]`) : name
	const label = kind && make("span", { class: "label" }, kind === "everyone" ? "to everyone" : "private")
	const parts = [
		make("span", { class: "face", "aria-hidden": "true" }, initialOf(author)),
		make("div", { class: "head" }, event.kind === "acted" ? "" : who, label, time),
		make("p", { class: "text", dir: "auto" }, ...sayings[event.kind === "acted" ? "acted" : "words"](event)),
	]
	return colour(make("li", { class: classes.join(" "), ...numbered }, ...parts), author)
}

export function linked(text) {
	return pieces(text).map(({ text: shown, href, host }) =>
		href ? make("a", { href, target: "_blank", rel: "noopener noreferrer", "data-host": host }, shown) : shown,
	)
}

// The time of an event; its number and full date are shown when it is pointed at, and it leads to the event itself.
function when(log, item) {
	const time = clock(item.time)
	if (log.kind !== "room" || !item.number) return make("span", { class: "when", "data-full": full(item.time) }, time)
	const href = `#${encodeURIComponent(log.key)}/${item.number}`
	const more = `${counted(item.number)} \u00b7 ${full(item.time)}`
	return make("a", { class: "when", href, "data-full": more, "aria-label": `${time}, number ${item.number}` }, time)
}

function stateOf({ state, why, key }, acts) {
	const words = state === "sending" ? "sending ..." : `not said: ${why} `
	const buttons = ["edit", "forget"].map((act) => make("button", { onclick: () => acts[act](key) }, act))
	return make("p", { class: "state" }, words, ...(state === "sending" ? [] : buttons))
}

function quiet(log, items, _acts, words = folded(items)) {
	const numbers = { "data-first": items[0].number, "data-last": items.at(-1).end }
	return make("li", { class: "line quiet", ...numbers }, make("span", { dir: "auto" }, words), " ", when(log, items.at(-1)))
}

function retitled(log, items) {
	const [{ author, text }] = items
	return quiet(log, items, undefined, text ? `${author} has set the topic: ${text}` : `${author} has cleared the topic`)
}

function skipped(log, [{ number, end }]) {
	const numbers = { "data-first": number, "data-last": end }
	const words = `${counted(end - number + 1)} lines are not kept any more: ${counted(number)} to ${counted(end)}`
	return make("li", { class: "line gap", ...numbers }, words)
}

// The server's own words, and events of the past that were asked for by a command.
function notice(log, [{ lines, isRefusal }]) {
	const shown = lines.map((line) => (typeof line === "string" ? make("p", { dir: "auto" }, line) : past(line)))
	return make("li", { class: `line notice${isRefusal ? " refusal" : ""}` }, ...shown)
}

function past(event) {
	const words = SAID.has(event.kind) ? sayings[event.kind](event) : [folded([event])]
	return make("p", { dir: "auto" }, when({ kind: "room", key: event.room }, event), " ", ...words)
}

const sayings = {
	said: ({ author, text }) => [make("b", {}, author), ": ", ...linked(text)],
	words: ({ text }) => linked(text),
	acted: ({ author, text }) => ["* ", make("b", {}, author), " ", ...linked(text)],
}

const back = (log, [{ words }]) => rule("rule back", `-- ${words}`)

const ROWS = { said, acted: said, copied, retitled, skipped, notice, back }

// What a screen reader is told of a new line.
export function spoken(item) {
	const { kind, author, text } = item.event ?? item
	if (SAID.has(kind)) return `${author}${kind === "said" ? ":" : ""} ${text}`
	return item.lines?.filter((line) => typeof line === "string").join("\n")
}

