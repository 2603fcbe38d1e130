// The two lists beside the log: rooms and conversations with their unread counts, and the people in the room.

import {arrange, $, icon, make} from "./dom.js"
import {byName, colour, initialOf, keyOf} from "./people.js"

const STEP = 500 // rows of a list, and as many more each time the reader scrolls to its end
const FEW = 8 // rooms that are all visible, and so keep their places
const MANY = 20 // members: a longer list has a search field

export const addressOf = ({kind, label}) =>
	kind === "everyone" ? "#*" : `#${kind === "person" ? "@" : ""}${encodeURIComponent(label)}`

// Return logs in the order of their use to the reader: the shown log, calls, unread lines, the most recently used.
export function byUse(logs, shown) {
	const worth = (log) => [log === shown, log.calls > 0, log.unread > 0, log.used]
	const more = (one, other) =>
		worth(other)
			.map((value, at) => value - worth(one)[at])
			.find(Boolean)
	return [...logs].sort((one, other) => more(one, other) ?? byName(one.label, other.label))
}

const inOrder = (logs, shown) => (logs.length > FEW ? byUse(logs, shown) : logs)

// A list that makes only changed nodes again, and keeps the focus.
class List {
	#made = new Map() // by key: {sign, node}
	#most = STEP
	#given = [] // the arguments of the last show()

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
	#signs = {} // by the name of a list: the values that it was made from

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

	// Set the rooms from the answer to "rooms".
	setRooms(rooms, all) {
		this.known = all
			.map(({room, members, topic}) => ({key: room, members, topic}))
			.sort((one, other) => other.members - one.members)
		for (const {room, topic} of all) rooms.setTopic(room, topic)
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

	// Return the meaning of Enter in the field for rooms: the name of a room, the key of a matching log, or a new name.
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
