// The input row: sending, lines that were typed before, and completion.

import {offers} from "./complete.js"
import {$, make} from "./dom.js"

const REMEMBERED = 50 // lines
const TALLEST = 160 // pixels

export class Compose {
	#lines = [] // typed earlier, the newest last
	#at = null // which of them is shown; null: none
	#offered = null // {start, list}
	#chosen = -1 // none

	// send(text): whether it was taken; known(): {commands, aliases, rooms, own}; begun(): a command begins; changed(text)
	constructor({send, known, begun, changed}) {
		const [field, list] = [$("say"), $("offers")]
		Object.assign(this, {field, list, send, known, begun, changed})
		$("compose").addEventListener("submit", (event) => this.#submit(event))
		field.addEventListener("keydown", (event) => this.#key(event))
		field.addEventListener("input", () => this.#typed())
		field.addEventListener("blur", () => this.#close())
		list.addEventListener("mousedown", (event) => event.preventDefault()) // the field keeps the focus
	}

	get text() {
		return this.field.value
	}

	// Put a text into the row, to be edited.
	put(text) {
		this.field.value = text
		this.changed(text)
		this.#fit()
		this.#close()
	}

	#submit(event) {
		event?.preventDefault()
		const {text} = this
		if (!text.trim() || !this.send(text)) return true
		if (this.#lines.at(-1) !== text) this.#lines.push(text)
		this.#lines = this.#lines.slice(-REMEMBERED)
		this.#at = null
		this.put("")
		this.field.focus()
		return true
	}

	#key(event) {
		if (event.ctrlKey || event.metaKey || event.altKey) return
		if (this.#offered ? this.#keyOfList(event) : this.#keyOfField(event)) event.preventDefault()
	}

	// Return whether the key was ours.
	#keyOfField({key, shiftKey}) {
		if (key === "Enter" && !shiftKey) return this.#submit()
		if (key === "Tab" && !shiftKey) return this.#complete()
		if (key === "ArrowUp") return this.#older()
		return key === "ArrowDown" && this.#at !== null && this.#show(this.#at + 1)
	}

	#keyOfList(event) {
		const {key, shiftKey} = event
		if (key === "Escape") return this.#close()
		if (key === "ArrowDown" || key === "ArrowUp") return this.#choose(key === "ArrowDown" ? 1 : -1)
		const isTaken = (key === "Tab" && !shiftKey) || (key === "Enter" && this.#chosen >= 0)
		return isTaken
			? this.#take(this.#offered, this.#offered.list[Math.max(0, this.#chosen)].text)
			: this.#keyOfField(event)
	}

	#typed() {
		this.changed(this.text)
		this.#fit()
		this.#at = null
		const {before} = this
		if (before === "/") this.begun()
		const isAsked = /^\/\S*$|(^|\s)(#\S+|@\S*)$/.test(before) || /^\/\S+ +\S+$/.test(before)
		this.#offer(isAsked ? offers(before, this.known()) : null, /(^|\s)@\S+$/.test(before) ? 0 : -1) // "@an" and Enter take Anna
	}

	get before() {
		return this.text.slice(0, this.field.selectionStart)
	}

	#fit() {
		this.field.style.height = "auto"
		this.field.style.height = `${Math.min(this.field.scrollHeight + 2, TALLEST)}px`
	}

	// -- lines typed earlier

	#older() {
		if (!this.#lines.length || this.before.includes("\n") || (this.#at === null && this.text)) return false
		return this.#show(Math.max(0, (this.#at ?? this.#lines.length) - 1))
	}

	#show(at) {
		this.put(this.#lines[at] ?? "")
		this.#at = at < this.#lines.length ? at : null
		return true
	}

	// -- completion

	#complete() {
		const found = offers(this.before, this.known())
		if (!found.list.length || !this.before.trim()) return false // then Tab goes on to the next field
		if (found.list.length === 1) return this.#take(found, found.list[0].text)
		return this.#offer(found, 0)
	}

	#take({start}, text) {
		const rest = this.text.slice(this.field.selectionStart).replace(/^\s/, "")
		this.put(this.text.slice(0, start) + text + rest)
		this.field.setSelectionRange(start + text.length, start + text.length)
		return true
	}

	#choose(step) {
		const {length} = this.#offered.list
		this.#chosen = (Math.max(this.#chosen, step > 0 ? -1 : 0) + step + length) % length
		return this.#mark()
	}

	#offer(found, chosen) {
		if (!found?.list.length) return this.#close()
		this.#offered = found
		this.#chosen = chosen
		this.list.replaceChildren(...found.list.map((offer, index) => this.#row(offer, index)))
		this.list.hidden = false
		this.field.setAttribute("aria-controls", this.list.id)
		return this.#mark()
	}

	#row({text, label, hint}, index) {
		const take = () => this.#take(this.#offered, text)
		return make(
			"li",
			{role: "option", id: `offer-${index}`, onclick: take},
			make("b", {}, label),
			hint && make("span", {}, hint)
		)
	}

	#mark() {
		const rows = [...this.list.childNodes]
		rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === this.#chosen)))
		rows[this.#chosen]?.scrollIntoView({block: "nearest"})
		this.field.setAttribute("aria-activedescendant", rows[this.#chosen]?.id ?? "")
		return true
	}

	#close() {
		this.#offered = null
		this.list.hidden = true
		this.list.replaceChildren()
		for (const name of ["aria-activedescendant", "aria-controls"]) this.field.removeAttribute(name)
		return true
	}
}
