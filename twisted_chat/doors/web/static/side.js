// The two lists beside the log: rooms and conversations with what is unread, and who is in the room.

import {arrange, $, icon, make} from "./dom.js"
import {byName, colour, initialOf, keyOf} from "./people.js"

const STEP = 500 // rows of a list, and as many again each time that its end is scrolled to
const FEW = 8 // rooms that are all in sight, so that they keep their places
const MANY = 20 // members, from which on they can be searched

export const addressOf = ({kind, label}) =>
	kind === "everyone" ? "#*" : `#${kind === "person" ? "@" : ""}${encodeURIComponent(label)}`

// Return logs in the order in which a reader wants them: the one before them, calls, what is unread, what they used last.
export function byUse(logs, shown) {
	const worth = (log) => [log === shown, log.calls > 0, log.unread > 0, log.used]
	const more = (one, other) =>
		worth(other)
			.map((value, at) => value - worth(one)[at])
			.find(Boolean)
	return [...logs].sort((one, other) => more(one, other) ?? byName(one.label, other.label))
}

const inOrder = (logs, shown) => (logs.length > FEW ? byUse(logs, shown) : logs)

// Nodes are made anew only where something has changed, and the focus stays where it is.
class List {
	#made = new Map() // by key: {sign, node}
	#most = STEP
	#given = [] // what show was called with

	constructor(list) {
		this.list = list
		this.end = make("li", {}, make("button", {onclick: () => this.#more()}))
		new IntersectionObserver(([{isIntersecting}]) => isIntersecting && this.#more()).observe(this.end)
	}

	show(wanted, row) {
		this.#given = [wanted, row]
		const made = new Map()
		for (const one of wanted.slice(0, this.#most)) {
			const sign = JSON.stringify(one)
			const old = this.#made.get(one.key)
			made.set(one.key, old?.sign === sign ? old : {sign, node: row(one)})
		}
		const focused = [...this.#made].find(([, {node}]) => node.contains(document.activeElement))?.[0]
		this.#made = made
		this.list.closest("section")?.toggleAttribute("hidden", !wanted.length)
		const rest = wanted.length - made.size
		this.end.firstChild.textContent = `${rest.toLocaleString()} more`
		arrange(this.list, [...[...made.values()].map(({node}) => node), ...(rest ? [this.end] : [])])
		const node = made.get(focused)?.node
		if (node && !node.contains(document.activeElement)) node.firstChild.focus({preventScroll: true})
	}

	#more() {
		this.#most += STEP
		this.show(...this.#given)
	}

	reveal(key) {
		this.#made.get(key)?.node.scrollIntoView({block: "nearest"})
	}
}

export class Side {
	#shown = null // the log that was shown last
	#signs = {} // by the name of a list: what it was made of

	// acts: leave(log key), join(room name)
	constructor(acts) {
		this.lists = Object.fromEntries(
			["room", "person", "other", "member"].map((name) => [name, new List($(`${name}-list`))])
		)
		Object.assign(this, {acts, known: []})
	}

	showLogs(rooms, shown) {
		const wanted = $("room-wanted").value.trim().replace(/^[#@]/, "").toLowerCase()
		const [own, people] = [
			[...rooms.of("room"), rooms.everyone],
			rooms.of("person").filter((log) => !log.isClosed)
		].map((logs) => inOrder(logs, shown))
		const rows = (logs) =>
			logs
				.filter(({label}) => label.toLowerCase().includes(wanted))
				.map((log) => ({...look(log), isShown: log === shown, address: addressOf(log)}))
		this.lists.room.show(rows(own), (log) => this.#log(log))
		this.lists.person.show(rows(people), (log) => this.#log(log))
		this.#showOthers(rooms, wanted)
		if (shown !== this.#shown) this.lists[shown.kind === "person" ? "person" : "room"].reveal(shown.key)
		this.#shown = shown
		const isThere = rooms.get(wanted) || this.known.some(({key}) => key === wanted)
		$("make-room").hidden = !wanted || isThere
		$("make-room").textContent = `Make #${wanted}`
	}

	#log({key, label, kind, unread, calls, isShown, address}) {
		const sign = kind === "person" ? face(label) : signed(kind === "room" ? "#" : "*")
		const count = make("span", {class: calls ? "badge calls" : "badge"}, unread > 99 ? "99+" : String(unread))
		const said = make("span", {class: "aside"}, calls ? " unread, some to you" : " unread")
		const attributes = {href: address, "aria-current": isShown && "page", class: unread ? "unread" : ""}
		const link = make("a", attributes, sign, named(label), ...(unread ? [count, said] : []))
		const leave = make(
			"button",
			{
				class: "leave",
				"aria-label": `${kind === "person" ? "Close" : "Leave"} ${label}`,
				onclick: () => this.acts.leave(key)
			},
			icon("close")
		)
		return make("li", {}, link, kind === "everyone" ? "" : leave)
	}

	// Learn from the answer to "rooms".
	learnRooms(rooms, all) {
		this.known = all
			.map(({room, members, topic}) => ({key: room, members, topic}))
			.sort((one, other) => other.members - one.members)
		for (const {room, topic} of all) rooms.learnTopic(room, topic)
	}

	#isNew(list, ...sign) {
		const old = this.#signs[list]
		this.#signs[list] = sign
		return !old || sign.some((value, at) => value !== old[at])
	}

	#showOthers(rooms, wanted) {
		if (
			!this.#isNew(
				"other",
				this.known,
				wanted,
				rooms
					.of("room")
					.map(({key}) => key)
					.join()
			)
		)
			return
		const others = this.known.filter(({key}) => !rooms.get(key) && key.includes(wanted))
		this.lists.other.show(others, (room) => this.#other(room))
	}

	#other({key, members, topic}) {
		const count = make(
			"span",
			{class: "members"},
			String(members),
			make("span", {class: "aside"}, members === 1 ? " person" : " people")
		)
		const attributes = {title: topic || undefined, onclick: () => this.acts.join(key)}
		return make(
			"li",
			{},
			make("button", attributes, make("span", {class: "aside"}, "Join "), signed("#"), named(key), count)
		)
	}

	// Return what Enter in the field for rooms means: the name of a room, the key of a log that matches, or a name to make.
	meant(rooms) {
		const wanted = $("room-wanted").value.trim().replace(/^#/, "")
		const name = wanted.replace(/^@/, "").toLowerCase()
		const own = [...inOrder(rooms.of("room")), ...inOrder(rooms.of("person"))].map(({key, label}) => ({
			key,
			name: label.toLowerCase()
		}))
		const all = [...own, ...this.known.map(({key}) => ({key, name: key}))]
		return (all.find((one) => one.name === name) ?? all.find((one) => one.name.includes(name)))?.key ?? wanted
	}

	showMembers(log, own) {
		const wanted = keyOf($("member-wanted").value.trim().replace(/^@/, ""))
		if (!this.#isNew("member", log, log.moves, own, wanted)) return
		const all = [...log.members].map(([key, {alias, away}]) => ({key, alias, away, isOwn: alias === own}))
		all.sort((one, other) => other.isOwn - one.isOwn || byName(one.alias, other.alias))
		$("member-wanted").hidden = all.length <= MANY
		this.lists.member.show(all.length > MANY ? all.filter(({key}) => key.includes(wanted)) : all, member)
	}
}

const look = ({key, label, kind, unread, calls}) => ({key, label, kind, unread, calls})

function member({alias, away, isOwn}) {
	const isAway = away !== undefined
	const words = make("span", {class: "away", dir: "auto"}, away ? `away: ${away}` : "away")
	const parts = [face(alias), named(isOwn ? `${alias} (you)` : alias), isAway && words]
	const attributes = {href: isOwn ? undefined : `#@${encodeURIComponent(alias)}`}
	return make("li", {class: isAway ? "is-away" : ""}, make(isOwn ? "span" : "a", attributes, ...parts))
}

const hidden = {"aria-hidden": "true"}
const face = (alias) => colour(make("span", {class: "face", ...hidden}, initialOf(alias)), alias)
const signed = (sign) => make("span", {class: "sign", ...hidden}, sign)
const named = (name) => make("span", {class: "name", dir: "auto"}, name)
