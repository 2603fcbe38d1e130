// The search: a dialog, in which what was found leads to where it was said.

import { $, make } from "./dom.js"
import { colour } from "./people.js"
import { linked } from "./row.js"
import { clock, dayOf } from "./times.js"

const MOST = 50 // lines

export class Search {
	// ask(fields): a promise of the result; rooms(): names
	constructor({ ask, rooms }) {
		Object.assign(this, { ask, rooms, dialog: $("search") })
		for (const name of ["words", "room", "from", "found", "said"]) this[name] = $(`search-${name}`)
		$("search-form").addEventListener("submit", (event) => this.#search(event))
		this.dialog.addEventListener("click", ({ target }) => target.closest("a.where, .close") && this.dialog.close())
	}

	open() {
		const names = this.rooms()
		const { value } = this.room
		this.room.replaceChildren(make("option", { value: "" }, "all my rooms"), ...names.map((name) => make("option", { value: name }, `#${name}`)))
		this.room.value = names.includes(value) ? value : ""
		this.dialog.showModal()
		this.words.select()
	}

	async #search(event) {
		event.preventDefault()
		this.said.textContent = "searching ..."
		try {
			const { events, more } = await this.ask(this.#fields())
			this.#show(events.reverse(), more)
		} catch (refused) {
			this.#show([], false, refused.message)
		}
	}

	#fields() {
		const fields = { room: this.room.value, from: this.from.value.trim() }
		const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value))
		return { words: this.words.value.trim(), limit: MOST, ...given }
	}

	#show(events, more, why) {
		this.found.replaceChildren(...events.map((event) => this.#line(event)))
		const count = events.length === 1 ? "1 line" : `${events.length} lines`
		this.said.textContent = why ?? (events.length ? `${more ? "the newest " : ""}${count}` : "nothing was found")
	}

	#line({ room, number, time, author, text }) {
		const where = `#${encodeURIComponent(room)}/${number}`
		const address = make("a", { class: "where", href: where }, `#${room} `, make("span", {}, `${dayOf(time)}, ${clock(time)}`))
		const parts = [make("b", { class: "author", dir: "auto" }, author), " ", address, make("p", { class: "text", dir: "auto" }, ...linked(text))]
		return colour(make("li", {}, ...parts), author)
	}
}
