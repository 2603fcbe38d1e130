// The two lists beside the log: rooms and conversations with what is unread, and who is in the room.

import { arrange, $, icon, make } from "./dom.js"
import { byName, colour, initialOf, keyOf } from "./people.js"

const SHOWN = 200 // members; all are counted
const OTHERS = 50 // rooms that one is not in

export const addressOf = ({ kind, label }) => (kind === "everyone" ? "#*" : `#${kind === "person" ? "@" : ""}${encodeURIComponent(label)}`)

// Nodes are made anew only where something has changed, so that the focus stays where it is.
class List {
	#made = new Map() // by key: {sign, node}

	constructor(list) {
		this.list = list
	}

	show(wanted, row) {
		const made = new Map()
		for (const one of wanted) {
			const sign = JSON.stringify(one)
			const old = this.#made.get(one.key)
			made.set(one.key, old?.sign === sign ? old : { sign, node: row(one) })
		}
		this.#made = made
		this.list.closest("section")?.toggleAttribute("hidden", !wanted.length)
		arrange(this.list, [...made.values()].map(({ node }) => node))
	}
}

export class Side {
	// acts: leave(log key), join(room name)
	constructor(acts) {
		this.lists = Object.fromEntries(["room", "person", "other", "member"].map((name) => [name, new List($(`${name}-list`))]))
		Object.assign(this, { acts, known: [] })
	}

	showLogs(rooms, shown) {
		const rows = (logs) => logs.map((log) => ({ ...look(log), isShown: log === shown, address: addressOf(log) }))
		this.lists.room.show(rows([...rooms.of("room"), rooms.everyone]), (log) => this.#log(log))
		this.lists.person.show(rows(rooms.of("person")), (log) => this.#log(log))
		this.#showOthers(rooms)
	}

	#log({ key, label, kind, unread, calls, isShown, address }) {
		const sign = kind === "person" ? face(label) : signed(kind === "room" ? "#" : "*")
		const count = make("span", { class: calls ? "badge calls" : "badge" }, unread > 99 ? "99+" : String(unread))
		const said = make("span", { class: "aside" }, calls ? " unread, some to you" : " unread")
		const attributes = { href: address, "aria-current": isShown && "page", class: unread ? "unread" : "" }
		const link = make("a", attributes, sign, named(label), ...(unread ? [count, said] : []))
		const leave = make("button", { class: "leave", "aria-label": `${kind === "person" ? "Close" : "Leave"} ${label}`, onclick: () => this.acts.leave(key) }, icon("close"))
		return make("li", {}, link, kind === "everyone" ? "" : leave)
	}

	// Learn from the answer to "rooms".
	learnRooms(rooms, all) {
		this.known = all.map(({ room, members, topic }) => ({ key: room, members, topic }))
		for (const { room, topic } of all) rooms.learnTopic(room, topic)
	}

	#showOthers(rooms) {
		const wanted = $("room-wanted").value.trim().replace(/^#/, "").toLowerCase()
		const others = this.known.filter(({ key }) => !rooms.get(key) && key.includes(wanted))
		this.lists.other.show(others.slice(0, OTHERS), (room) => this.#other(room))
	}

	#other({ key, members, topic }) {
		const count = make("span", { class: "members" }, String(members))
		const attributes = { title: topic || undefined, "aria-label": `Join ${key}`, onclick: () => this.acts.join(key) }
		return make("li", {}, make("button", attributes, signed("#"), named(key), count))
	}

	showMembers(log, own) {
		const all = [...log.members.values()].sort((one, other) => byName(one.alias, other.alias))
		const rows = all.slice(0, SHOWN).map(({ alias, away }) => ({ key: keyOf(alias), alias, away, isOwn: alias === own }))
		this.lists.member.show(rows, member)
	}
}

const look = ({ key, label, kind, unread, calls }) => ({ key, label, kind, unread, calls })

function member({ alias, away, isOwn }) {
	const isAway = away !== undefined
	const words = make("span", { class: "away", dir: "auto" }, away ? `away: ${away}` : "away")
	const parts = [face(alias), named(isOwn ? `${alias} (you)` : alias), isAway && words]
	const attributes = { href: isOwn ? undefined : `#@${encodeURIComponent(alias)}` }
	return make("li", { class: isAway ? "is-away" : "" }, make(isOwn ? "span" : "a", attributes, ...parts))
}

const hidden = { "aria-hidden": "true" }
const face = (alias) => colour(make("span", { class: "face", ...hidden }, initialOf(alias)), alias)
const signed = (sign) => make("span", { class: "sign", ...hidden }, sign)
const named = (name) => make("span", { class: "name", dir: "auto" }, name)
