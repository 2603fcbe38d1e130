// Blocks: several lines that are said together, code for example. Typed text becomes posts; the lines become one row.

import {make} from "./dom.js"

export const MAX_LINES = 200 // of a block
export const SIZE = 8 // times the bytes of the longest line, for a whole block
const FENCE = /^```[\w+#.-]*\s*$/ // a line that begins a block ...
const END = /^```\s*$/ // ... and one that ends it
const COPIED = 1500 // milliseconds for which the button says "copied"

// -- typed text. Pure.

// Return the posts in a text of several lines: {text} for a line, {lines} for a block. Nothing in it is a command.
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

// Return the text to type to say the same again.
export function typedOf({text, lines, act}) {
	if (!lines) return act ? `/me ${text}` : text.replace(/^\//, "//")
	const isPlain = lines.length > 1 && !lines.some((line) => FENCE.test(line))
	return (isPlain ? lines : ["```", ...lines, "```"]).join("\n")
}

// Return why a line or a block cannot be said; undefined if it can.
export function refusalOf({text, lines}, maxLine) {
	const bytes = (line) => new TextEncoder().encode(line).length
	const long = (lines ?? [text]).findIndex((line) => bytes(line) > maxLine)
	const counted = (number) => number.toLocaleString()
	if (lines?.length > MAX_LINES)
		return `that is ${counted(lines.length)} lines, and a block has at most ${MAX_LINES}: send it in parts`
	if (long >= 0)
		return `${lines ? `line ${long + 1}` : "that line"} is longer than ${counted(maxLine)} bytes: send it in parts`
	const most = SIZE * maxLine
	return lines && bytes(lines.join("")) > most
		? `that is more than ${counted(most)} bytes: send it in parts`
		: undefined
}

// -- shown blocks

// Return whether an event is the next line of the same block.
export const goesOn = (one, other) =>
	other.block > 1 &&
	other.block === one.block + 1 &&
	other.author === one.author &&
	other.room === one.room &&
	!one.state

// Make a block of some events; shown(event): its nodes; isMarked(event): whether the reader came for this line.
export function blockOf(events, shown, isMarked) {
	const texts = events.flatMap((event) => (event.state ? event.text.split("\n").map((text) => ({text})) : [event]))
	const row = (event) => make("span", {"data-line": event.number, class: isMarked(event) && "marked"}, ...shown(event))
	const rows = texts.flatMap((event, index) => [index > 0 && "\n", row(event)])
	const words = texts.map(({text}) => text).join("\n")
	const button = make(
		"button",
		{type: "button", class: "copy", "aria-label": "Copy these lines", onclick: () => copy(button, words)},
		"copy"
	)
	return make("div", {class: "block"}, make("pre", {class: "text", dir: "auto"}, ...rows), button)
}

async function copy(button, words) {
	await navigator.clipboard?.writeText(words).catch(() => copyOldWay(words)) // plain http has no clipboard
	if (!navigator.clipboard) copyOldWay(words)
	button.textContent = "copied"
	button.focus()
	setTimeout(() => (button.textContent = "copy"), COPIED)
}

function copyOldWay(words) {
	const field = make("textarea", {class: "aside", readonly: ""})
	field.value = words
	document.body.append(field)
	field.select()
	document.execCommand("copy")
	field.remove()
}
