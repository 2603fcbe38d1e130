// Blocks: several lines that somebody says together, code for example. What is typed becomes posts, and lines one row.

import {make} from "./dom.js"

export const MOST = 200 // lines of a block
export const SIZE = 8 // times the bytes of the longest line, that a block may have
const FENCE = /^```[\w+#.-]*\s*$/ // a line that begins a block ...
const END = /^```\s*$/ // ... and one that ends it
const SAID = 1500 // milliseconds for which the button says that it has copied

// -- what is typed. Pure.

// Return what is said of a text of more than one line: {text} for a line, {lines} for a block. Nothing in it is a command.
export function postsOf(typed) {
	const posts = []
	let [lines, isFenced] = [[], false]
	const end = () => {
		const whole = withoutBlankEnds(lines)
		if (isFenced ? whole.length : whole.length > 1) posts.push({lines: whole})
		else if (whole.length) posts.push({text: whole[0]})
		lines = []
	}
	for (const line of typed.split(/\r\n|\r|\n/)) {
		if ((isFenced ? END : FENCE).test(line)) {
			end()
			isFenced = !isFenced
		} else {
			lines.push(line)
		}
	}
	end()
	return posts
}

function withoutBlankEnds(lines) {
	const isThere = (line) => line.trim()
	return lines.slice(lines.findIndex(isThere), lines.findLastIndex(isThere) + 1)
}

// Return what could be typed to say the same again.
export function typedOf({text, lines, act}) {
	if (!lines) return act ? `/me ${text}` : text.replace(/^\//, "//")
	const isPlain = lines.length > 1 && !lines.some((line) => FENCE.test(line))
	return (isPlain ? lines : ["```", ...lines, "```"]).join("\n")
}

// Return why a block cannot be said, if that is so.
export function refusalOf({text, lines}, maxLine) {
	const bytes = (line) => new TextEncoder().encode(line).length
	const long = (lines ?? [text]).findIndex((line) => bytes(line) > maxLine)
	const counted = (number) => number.toLocaleString()
	if (lines?.length > MOST)
		return `that is ${counted(lines.length)} lines, and a block has at most ${MOST}: send it in parts`
	if (long >= 0)
		return `${lines ? `line ${long + 1}` : "that line"} is longer than ${counted(maxLine)} bytes: send it in parts`
	const most = SIZE * maxLine
	return lines && bytes(lines.join("")) > most
		? `that is more than ${counted(most)} bytes: send it in parts`
		: undefined
}

// -- what is shown

// Whether one event goes on where another ends.
export const goesOn = (one, other) =>
	other.block > 1 &&
	other.block === one.block + 1 &&
	other.author === one.author &&
	other.room === one.room &&
	!one.state

// Make the text of a block of some events; shown(event): nodes; isMarked(event): whether one came for this line.
export function blockOf(events, shown, isMarked) {
	const texts = events.flatMap((event) => (event.state ? event.text.split("\n").map((text) => ({text})) : [event]))
	const row = (event) => make("span", {"data-line": event.number, class: isMarked(event) && "marked"}, ...shown(event))
	const rows = texts.flatMap((event, place) => [place > 0 && "\n", row(event)])
	const words = texts.map(({text}) => text).join("\n")
	const button = make(
		"button",
		{type: "button", class: "copy", "aria-label": "Copy these lines", onclick: () => copy(button, words)},
		"copy"
	)
	return make("div", {class: "block"}, make("pre", {class: "text", dir: "auto"}, ...rows), button)
}

async function copy(button, words) {
	await navigator.clipboard?.writeText(words).catch(() => copyOldWay(words)) // there is none on plain http
	if (!navigator.clipboard) copyOldWay(words)
	button.textContent = "copied"
	button.focus()
	setTimeout(() => (button.textContent = "copy"), SAID)
}

function copyOldWay(words) {
	const field = make("textarea", {class: "aside", readonly: ""})
	field.value = words
	document.body.append(field)
	field.select()
	document.execCommand("copy")
	field.remove()
}
