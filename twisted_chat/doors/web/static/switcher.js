// The quick switcher: one field that finds rooms, people and commands, and goes there with Enter.

import {dialog} from "./dialog.js"
import {$, make} from "./dom.js"
import {byName, colour, initialOf, keyOf} from "./people.js"
import {byUse} from "./side.js"

const SHOWN = 60 // rows; typing more letters finds the rest
const isSameEntry = (one, other) => one.kind === other.kind && one.name === other.name

export function open(view) {
	new Switcher(view)
}

class Switcher {
	#chosen = 0
	#found = []

	constructor(view) {
		Object.assign(this, {view, everybody: []})
		this.field = make("input", {
			id: "switcher-words",
			role: "combobox",
			"aria-label": "Go to a room, a person or a command",
			"aria-expanded": "true",
			"aria-controls": "switcher-list",
			"aria-autocomplete": "list",
			placeholder: "Room, person or /command",
			autocomplete: "off",
			autocapitalize: "off",
			spellcheck: "false",
			maxlength: "128",
			enterkeyhint: "go",
			dir: "auto",
			"data-first": ""
		})
		this.list = make("ul", {id: "switcher-list", role: "listbox", "aria-label": "Rooms, people and commands"})
		this.said = make("p", {role: "status", class: "quiet-words"})
		this.node = dialog("switcher", "Go to ...", this.field, this.list, this.said)
		this.field.addEventListener("input", () => this.#find())
		this.field.addEventListener("keydown", (event) => this.#key(event))
		this.list.addEventListener("mousedown", (event) => event.preventDefault()) // the field keeps the focus
		this.#find()
		const take = ({members}) => (this.everybody = members) && this.#findAgain()
		view.session.isIn && view.acts.whole("who", {room: "*"}).then(take, () => {})
	}

	// Return all entries, {name, kind, sign, hint, go}, the most used first.
	#all() {
		const {rooms, side, talk, log} = this.view
		const logs = byUse([...rooms.logs.values()].filter((one) => one !== log))
		const own = logs.map(({key, kind, label, unread, calls}) => ({
			name: label,
			kind,
			unread,
			calls,
			hint: kind === "person" ? "private" : "",
			go: () => this.view.open(key)
		}))
		const others = side.known
			.filter(({key}) => !rooms.get(key))
			.map(({key, topic}) => ({name: key, kind: "room", hint: topic || "join", go: () => this.view.acts.join(key)}))
		const aliases = new Map([...log.members.values()].map(({alias}) => [keyOf(alias), alias]))
		for (const alias of this.everybody) aliases.set(keyOf(alias), alias)
		const people = [...aliases]
			.filter(([key, alias]) => !rooms.get(`@${key}`) && !rooms.isMe(alias))
			.map(([, alias]) => alias)
			.sort(byName)
		const commands = talk.commands.map(({name, arguments: rest, summary}) => ({
			name,
			kind: "command",
			shown: `${name} ${rest}`.trim(),
			hint: summary,
			go: () => this.view.begin(`/${name} `)
		}))
		return [
			...own,
			...others,
			...people.map((alias) => ({name: alias, kind: "person", hint: "", go: () => this.view.openPerson(alias)})),
			...commands
		]
	}

	#find() {
		const typed = this.field.value.trim()
		const [, sign, words] = typed.match(/^([#@/]?)(.*)/s)
		const wanted = keyOf(words)
		const kinds = {"#": ["room"], "@": ["person"], "/": ["command"]}[sign] ?? ["room", "person", "everyone", "command"]
		const rank = ({name}) =>
			["", wanted].findIndex((start, at) => (at ? keyOf(name).startsWith(start) : keyOf(name) === wanted))
		const worth = (one) => (rank(one) < 0 ? 2 : rank(one))
		const all = this.#all().filter(({kind, name}) => kinds.includes(kind) && keyOf(name).includes(wanted))
		this.#found = wanted ? all.sort((one, other) => worth(one) - worth(other)) : all
		if (
			words &&
			sign !== "@" &&
			sign !== "/" &&
			!all.some(({kind, name}) => kind === "room" && name === words.toLowerCase())
		) {
			this.#found.push({name: words, kind: "room", hint: "make this room", go: () => this.view.acts.join(words)})
		}
		this.#choose(0, true)
	}

	// Find with more to find in, and keep what is chosen if the reader has moved to it.
	#findAgain() {
		const chosen = this.#chosen && this.#found[this.#chosen]
		this.#find()
		const at = chosen ? this.#found.findIndex((one) => isSameEntry(one, chosen)) : 0
		if (at > 0) this.#choose(at)
	}

	#choose(at, isNew) {
		const shown = this.#found.slice(0, SHOWN)
		this.#chosen = (at + shown.length) % (shown.length || 1)
		if (isNew) this.list.replaceChildren(...shown.map((one, index) => this.#row(one, index)))
		const rows = [...this.list.children]
		rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === this.#chosen)))
		rows[this.#chosen]?.scrollIntoView({block: "nearest"})
		this.field.setAttribute("aria-activedescendant", rows[this.#chosen]?.id ?? "")
		const rest = this.#found.length - shown.length
		const words = rest
			? `${rest.toLocaleString()} more: type to find them`
			: shown.length
				? `${shown.length} found`
				: "nothing has that name"
		if (this.said.textContent !== words) this.said.textContent = words
	}

	#row({name, kind, shown, hint, unread, calls}, index) {
		const sign =
			kind === "person"
				? colour(make("span", {class: "face", "aria-hidden": "true"}, initialOf(name)), name)
				: make("span", {class: "sign"}, {room: "#", everyone: "*", command: "/"}[kind])
		const badge =
			unread &&
			make("span", {class: calls ? "badge calls" : "badge"}, String(unread), make("span", {class: "aside"}, " unread"))
		const parts = [
			sign,
			make("b", {class: "name", dir: "auto"}, shown ?? name),
			hint && make("span", {class: "hint", dir: "auto"}, hint),
			badge
		]
		return make("li", {role: "option", id: `switch-${index}`, onclick: () => this.#go(index)}, ...parts)
	}

	#key(event) {
		const {key} = event
		if (event.isComposing) return
		const step = {ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8}[key]
		if (step) {
			const last = this.list.children.length - 1
			this.#choose(Math.abs(step) > 1 ? Math.max(0, Math.min(last, this.#chosen + step)) : this.#chosen + step)
		} else if (key === "Enter") this.#go(this.#chosen)
		else return
		event.preventDefault()
	}

	#go(at) {
		const {go} = this.#found[at] ?? {}
		if (!go) return
		this.node.close()
		go()
		$("say").focus()
	}
}
