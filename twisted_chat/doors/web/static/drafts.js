// Drafts: unsent text, kept in this browser for each alias and conversation, over reloads and cuts.

import {keyOf} from "./people.js"
import {read, write} from "./keep.js"

const NAME = "drafts"
const ALIASES = 10
const DRAFTS = 50 // of one alias
const LONGEST = 40000 // characters
const WAIT = 300 // milliseconds

export class Drafts {
	#texts = new Map() // by the key of a log, the newest last
	#owner = "" // the key of the alias
	#timer = 0

	// alias(): the person's alias now
	constructor(alias) {
		this.alias = alias
		addEventListener("pagehide", () => this.#save())
		document.addEventListener("visibilitychange", () => document.hidden && this.#save())
	}

	// Go on with the drafts of this alias.
	begin() {
		if (this.#owner) return
		this.#owner = keyOf(this.alias())
		this.#texts = new Map(Object.entries(all()[this.#owner] ?? {}))
	}

	get(key) {
		return this.#texts.get(key) ?? ""
	}

	put(key, text) {
		if (this.get(key) === text) return
		this.#texts.delete(key)
		if (!text.trim()) return this.#save() // at once: what was sent is no draft in a tab that opens now
		this.#texts.set(key, text.slice(0, LONGEST))
		this.#timer ||= setTimeout(() => this.#save(), WAIT)
	}

	// Forget all drafts of this alias: the person leaves on purpose.
	clear() {
		this.#texts.clear()
		this.#save()
		this.#owner = ""
	}

	#save() {
		clearTimeout(this.#timer)
		this.#timer = 0
		if (!this.#owner) return
		const [before, owner] = [this.#owner, keyOf(this.alias())] // a new alias keeps the drafts
		const others = Object.entries(all()).filter(([key]) => key !== before && key !== owner)
		const own = [...this.#texts].slice(-DRAFTS)
		const kept = own.length ? [[owner, Object.fromEntries(own)]] : []
		this.#owner = owner
		write(NAME, Object.fromEntries([...others.slice(1 - ALIASES), ...kept]))
	}
}

const all = () => read(NAME) ?? {}
