// Rows: a list item for each entry of a log. Texts of people become text nodes only.
//
// Only words that are always visible are text. Words for readers who point at a line or hear it read aloud (the author and the
// time of a line without a heading) are attributes that style.css shows, so that they are in no selection and no copy.

import {blockOf, goesOn} from "./block.js"
import {make} from "./dom.js"
import {folded} from "./fold.js"
import {pieces} from "./links.js"
import {colour, initialOf, isSame} from "./people.js"
import {RULES} from "./rules.js"
import {brief, clock, counted, dayOf, full, isSameDay} from "./times.js"

const MOVES = new Set(["joined", "left", "removed", "renamed"])
const SAID = new Set(["said", "acted", "noted"])
const HIDDEN = new Set(["took", "ignored"]) // they only keep the numbers without gaps
const TOGETHER = 300 // seconds after a heading in which the author's next lines need none

// -- entries: the items of one row

// Return [{key, items, isAgain, since, day, isNew}] for some items of a log, oldest first.
export function entriesOf(log, items) {
	const entries = []
	let isNew = false // unread items begin here
	for (const item of items) {
		const before = entries.at(-1)
		if (before && !isNew && MOVES.has(item.kind) && MOVES.has(before.items[0].kind) && isOneDay(before, item)) {
			before.items.push(item)
		} else if (
			before &&
			!isNew &&
			item.kind === before.items[0].kind &&
			goesOn(eventOf(before.items.at(-1)), eventOf(item))
		) {
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
	const isAgain = !day && !isNew && Boolean(before) && isOneSpeech(before, item)
	return {key: item.key, items: [item], isAgain, since: isAgain ? before.since : item.time, day, isNew}
}

const eventOf = (item) => item.event ?? item

const timeOf = (item) => item.time || item.event?.time || 0

function isOneDay(before, item) {
	const time = timeOf(before.items.at(-1))
	return !time || !timeOf(item) || isSameDay(time, timeOf(item))
}

function isOneSpeech({items: [one], since}, other) {
	const isSpeech = one.kind === "said" && other.kind === "said" && isSame(one.author, other.author)
	return isSpeech && other.time - since < TOGETHER
}

// The parts of an entry that can change while it is shown; in another journal even the meaning of its number.
export const signature = ({items, isAgain, day, isNew}, log) =>
	[
		items.length,
		items[0].time,
		items[0].lines?.length,
		items[0].state,
		isAgain,
		day,
		isNew,
		items.some((item) => isMarked(log, item)) && `${log.sought?.words}`
	].join()

// "marked" is the number of an event of a room, or the key of an item.
const isMarked = (log, item) =>
	log.marked !== undefined && (item.key === log.marked || (item.number <= log.marked && log.marked <= item.end))

// -- rows

// Make the list items of an entry: the row, after the rule that separates it from earlier ones.
export function rowsOf(log, entry, acts) {
	const [item] = entry.items
	const row = (ROWS[item.kind] ?? quiet)(log, entry.items, acts, entry.isAgain)
	row.classList.toggle("marked", !eventOf(item).block && entry.items.some((one) => isMarked(log, one)))
	const rules = [entry.day && rule("rule", entry.day), entry.isNew && rule("rule new", "new")]
	return [...rules.filter(Boolean), row]
}

const rule = (name, words) => make("li", {class: name}, make("span", {}, words))

function said(log, items, acts, isAgain) {
	const [item] = items
	const row = speech(log, items, log.kind === "room" ? "" : log.kind, isAgain)
	row.classList.toggle("call", log.kind === "room" && items.some((one) => one.isCall))
	if (item.state) row.append(stateOf(item, acts))
	return row
}

// A private line or a broadcast, shown in the room that its reader has open; a private line is answered in private.
function copied(log, items) {
	const [{event, from}] = items
	const kind = event.room === "*" ? "everyone" : "person"
	const row = speech({kind}, items.map(eventOf), kind, false)
	if (kind === "everyone") return row
	row.dataset.answer = `#@${encodeURIComponent(from)}`
	row
		.querySelector(".head")
		.append(" ", make("a", {class: "answer", href: leading(row.dataset.answer)}, "answer in private"))
	return row
}

// Make the row of a line, or of a block if there are several events.
function speech(log, events, kind, isAgain) {
	const [event] = events
	const {author} = event
	const isActed = event.kind === "acted"
	const numbers = event.block
		? {"data-first": event.number, "data-last": events.at(-1).number}
		: {"data-number": event.number}
	const numbered = log.kind === "room" && event.number ? numbers : {}
	const aloud = isAgain ? {"data-author": author} : {}
	const placesIn = (one) => (isMarked(log, one) ? log.sought?.places(one.text) : undefined)
	const row = make("li", {
		class: ["line", event.kind, kind, event.state, isAgain && "again"].filter(Boolean).join(" "),
		...numbered,
		...aloud
	})
	const isBare = isAgain || (isActed && !kind) // the time stands beside the text
	if (!isBare)
		row.append(
			make("span", {class: "face", "aria-hidden": "true", "data-initial": initialOf(author)}),
			heading(log, event, kind)
		)
	const line = () =>
		make("p", {class: "text", dir: "auto"}, ...sayings[isActed ? "acted" : "words"](event, placesIn(event)))
	const lines = () =>
		blockOf(
			events,
			(one) => linked(one.text, placesIn(one)),
			(one) => isMarked(log, one)
		)
	row.append(...(isBare ? [when(log, event, true)] : []), event.block ? lines() : line())
	return colour(row, author)
}

function heading(log, event, kind) {
	const name = make("b", {class: "author", dir: "auto"}, event.author)
	const to = kind === "everyone" ? "all" : kind && make("bdi", {}, event.to ?? event.room.slice(1))
	const who = kind ? make("span", {class: "who"}, "[", name, " -> ", to, "]") : name
	const label = kind && [make("span", {class: "label"}, kind === "everyone" ? "to everyone" : "private"), " "]
	return make(
		"div",
		{class: "head"},
		...(event.kind === "acted" && !kind ? [] : [who, " "]),
		...(label || []),
		when(log, event)
	)
}

// Return a text's nodes: its links are links, and the places, [[start, end]] in order, are marked.
export function linked(text, places = []) {
	let at = 0
	return pieces(text).flatMap(({text: shown, href, host}) => {
		const parts = highlighted(shown, at, places)
		at += shown.length
		return href ? make("a", {href, target: "_blank", rel: "noopener noreferrer", "data-host": host}, ...parts) : parts
	})
}

function highlighted(text, offset, places) {
	const parts = []
	let at = 0
	for (const [start, end] of places) {
		const [from, to] = [Math.max(at, start - offset), Math.min(text.length, end - offset)]
		if (from >= to) continue
		parts.push(text.slice(at, from), make("mark", {}, text.slice(from, to)))
		at = to
	}
	return [...parts, text.slice(at)]
}

// Return a whole address: to a screen reader, a fragment alone looks like a link to skip something.
const leading = (hash) => location.href.split("#")[0] + hash

// The time of an event, which is a link to it; pointing at it shows its number and full date.
function when(log, item, isAside = false) {
	const time = clock(item.time)
	const shown = isAside ? {"data-time": brief(item.time)} : {}
	const words = isAside ? "" : time
	if (log.kind !== "room" || !item.number)
		return make("span", {class: "when", "data-full": full(item.time), ...shown}, words)
	const href = leading(`#${encodeURIComponent(log.key)}/${item.number}`)
	const more = `${counted(item.number)} \u00b7 ${full(item.time)}`
	return make(
		"a",
		{class: "when", href, "data-full": more, "aria-label": `${time}, number ${item.number}`, ...shown},
		words
	)
}

function stateOf({state, why, key}, acts) {
	const words = state === "sending" ? "sending ..." : `not said: ${why} `
	const buttons = ["edit", "forget"].map((act) => make("button", {onclick: () => acts[act](key)}, act))
	return make("p", {class: "state"}, words, ...(state === "sending" ? [] : buttons))
}

function quiet(log, items, _acts, _isAgain, words = isolated(folded(items))) {
	const numbers = {"data-first": items[0].number, "data-last": items.at(-1).end}
	return make("li", {class: "line quiet", ...numbers}, when(log, items.at(-1), true), make("span", {}, ...words))
}

// A person's text does not change the direction of the words around it.
const isolated = (words) => words.map((word) => (typeof word === "string" ? word : make("bdi", {}, ...word)))

function retitled(log, items) {
	const [{author, text}] = items
	const topic = text ? [" has set the topic: ", linked(text)] : [" has cleared the topic"]
	return quiet(log, items, undefined, false, isolated([[author], ...topic]))
}

function skipped(log, [{number, end}]) {
	const numbers = {"data-first": number, "data-last": end}
	const words = `${counted(end - number + 1)} lines are not kept any more: ${counted(number)} to ${counted(end)}`
	return make("li", {class: "line gap", ...numbers}, words)
}

// Notices of the server, and earlier events that a command has asked for.
function notice(log, [{lines, isRefusal}]) {
	const shown = lines.map((line) => (typeof line === "string" ? make("p", {}, ...linked(line)) : past(line)))
	return make("li", {class: `line notice${isRefusal ? " refusal" : ""}`}, ...shown)
}

function past(event) {
	const words = SAID.has(event.kind)
		? sayings[event.kind](event)
		: isolated(RULES[event.kind]?.(event) ?? folded([event]))
	return make("p", {}, when({kind: "room", key: event.room}, event), " ", ...words)
}

const sayings = {
	said: ({author, text}) => [make("bdi", {}, make("b", {}, author)), ": ", make("bdi", {}, ...linked(text))],
	noted: (event) => sayings.said(event),
	words: ({text}, places) => linked(text, places ?? []),
	acted: ({author, text}, places) => ["* ", make("bdi", {}, make("b", {}, author)), " ", ...linked(text, places ?? [])]
}

const byRule = (log, items) => quiet(log, items, undefined, false, isolated(RULES[items[0].kind](items[0])))

const back = (log, [{words}]) => rule("rule back", `-- ${words}`)

const ofRules = Object.fromEntries(Object.keys(RULES).map((kind) => [kind, byRule]))
const ROWS = {...ofRules, removed: quiet, said, acted: said, noted: said, copied, retitled, skipped, notice, back}

// The words of a new line for a screen reader.
export function spoken(item) {
	const {kind, author, text, block} = eventOf(item)
	if (block > 1) return text
	if (SAID.has(kind)) return `${author}${kind === "acted" ? "" : ":"} ${text}`
	return item.lines?.filter((line) => typeof line === "string").join("\n")
}
