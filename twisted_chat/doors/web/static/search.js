// The search: a dialog, in which each found line is a link to its place. The server searches rooms, the page the rest.

import {$, make} from "./dom.js"
import {colour, isSame} from "./people.js"
import {linked} from "./row.js"
import {addressOf} from "./side.js"
import {clock, dayOf} from "./times.js"
import {finder} from "./words.js"

const MAX_LINES = 50

export class Search {
	// ask(fields): a promise of the result; show(log, item, sought): show a found line in its log
	constructor(rooms, {ask, show}) {
		Object.assign(this, {rooms, ask, show, dialog: $("search")})
		for (const name of ["words", "room", "from", "found", "said"]) this[name] = $(`search-${name}`)
		$("search-form").addEventListener("submit", (event) => this.#search(event))
		this.dialog.addEventListener("click", ({target}) => target.closest("a.where, .close") && this.dialog.close())
	}

	open() {
		const {value} = this.room
		const {everyone} = this.rooms
		const logs = [...this.rooms.of("room"), everyone, ...this.rooms.of("person")]
		const choices = logs.map((log) => make("option", {value: log.key}, `${log.kind === "room" ? "#" : ""}${log.label}`))
		this.room.replaceChildren(make("option", {value: ""}, "everywhere"), ...choices)
		this.room.value = this.rooms.get(value) ? value : ""
		this.dialog.showModal()
		this.words.select()
	}

	async #search(event) {
		event.preventDefault()
		this.said.textContent = "searching ..."
		const [words, from, where] = [this.words.value.trim(), this.from.value.trim(), this.room.value]
		const sought = {words, places: finder(words)}
		const here = this.#here(sought, from, where)
		let [there, why] = [{events: [], more: false}, undefined]
		try {
			if (!/^[@*]/.test(where)) there = await this.ask(fields({words, limit: MAX_LINES, room: where, from}))
		} catch (refused) {
			why = refused.message
		}
		const rooms = there.events.map((item) => ({log: this.rooms.get(item.room), item}))
		const found = [...rooms, ...here].filter(({log}) => log).sort((one, other) => other.item.time - one.item.time)
		this.#tell(found.slice(0, MAX_LINES), there.more || found.length > MAX_LINES, why)
		this.found.replaceChildren(...found.slice(0, MAX_LINES).map((one) => this.#line(one, sought)))
	}

	// Broadcasts and private lines are in this tab only.
	#here({words, places}, from, where) {
		const logs = [this.rooms.everyone, ...this.rooms.of("person")].filter(({key}) => !where || key === where)
		const isFound = ({kind, author, text}) =>
			/^(said|acted)$/.test(kind) && (!from || isSame(author, from)) && places(text)
		return words || from ? logs.flatMap((log) => log.items.filter(isFound).map((item) => ({log, item}))) : []
	}

	#tell({length}, isMore, why) {
		const count = length === 1 ? "1 line" : `${length} lines`
		const result = length ? `${isMore ? "the newest " : ""}${count}` : "nothing was found"
		this.said.textContent = [why, (length || !why) && result].filter(Boolean).join("; ")
	}

	#line({log, item}, sought) {
		const {number, time, author, text} = item
		const place = {room: `#${log.label}`, person: "private", everyone: "to everyone"}[log.kind]
		const to = log.kind === "person" && [" to ", make("bdi", {}, item.isOwn ? log.label : "you")]
		const href = log.kind === "room" ? `#${encodeURIComponent(log.key)}/${number}` : addressOf(log)
		const onclick = (event) => this.show(event, log, item, sought)
		const address = make(
			"a",
			{class: "where", href, onclick},
			`${place} `,
			make("span", {}, `${dayOf(time)}, ${clock(time)}`)
		)
		const name = make("b", {class: "author", dir: "auto"}, author)
		const parts = [
			name,
			...(to || []),
			" ",
			address,
			make("p", {class: "text", dir: "auto"}, ...linked(text, sought.places(text) ?? []))
		]
		return colour(make("li", {}, ...parts), author)
	}
}

const fields = (given) => Object.fromEntries(Object.entries(given).filter(([name, value]) => value || name === "words"))
