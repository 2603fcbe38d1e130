// The list of lines: a window of bounded size upon a log, which follows the newest or is paged through.

import {arrange, $, make} from "./dom.js"
import {entriesOf, rowsOf, signature, spoken} from "./row.js"

const MAX_ROWS = 400
const FOLLOWED = 200 // items, while the newest are shown
const PAGE = 60 // items to page by
const NEAR = 600 // pixels from an end, where the next page is added
const BOTTOM = 48 // pixels from the bottom that still count as the bottom
const SPOKEN = 20 // lines that the live region keeps

export class Lines {
	#log = null
	#start = null // the first item that is shown
	#size = 0 // items that are shown from there on, while the reader is further up
	#rows = new Map() // by key: {nodes, signature}
	#isPaging = false
	#width = 0 // of the visible part, in pixels
	#height = 0
	#bottom = 0 // where the scroller was put last, at its end
	#heard = null // the newest item that was announced

	// acts: older(log), newer(log): promises of one more page; moved(): the reader has scrolled; edit(key), forget(key)
	constructor(acts) {
		Object.assign(this, {scroller: $("scroller"), list: $("lines"), live: $("live"), top: $("older"), acts})
		this.isFollowing = true
		this.scroller.addEventListener("scroll", () => this.#scrolled(), {passive: true})
		this.top.addEventListener("click", () => this.#pageUp())
		this.list.addEventListener("click", (event) => this.#clicked(event))
		new ResizeObserver(() => this.#resized()).observe(this.scroller)
	}

	// Keep the last visible line visible when a phone's keyboard opens or closes.
	#resized() {
		const {clientWidth, clientHeight} = this.scroller
		if (this.isFollowing) this.#toBottom()
		else this.scroller.scrollTop += this.#height - clientHeight
		this.#width = clientWidth
		this.#height = clientHeight
	}

	// Show a log: its newest lines.
	show(log) {
		if (this.#log) this.#log.isHeld = false
		this.#log = log
		this.#rows.clear()
		this.#heard = log.items.at(-1)
		this.follow()
	}

	follow() {
		this.isFollowing = true
		this.#bottom = 0 // the reader may be further up
		this.#start = this.#log.items.at(-FOLLOWED)
		this.render()
		this.#toBottom()
	}

	// Show the item at an index: where it is if that is visible, or else in the middle.
	showItem(at) {
		if (this.isFollowing && this.#isInSight(at)) return this.render()
		this.isFollowing = false
		this.#from(at - PAGE, 2 * PAGE)
		this.render()
		const key = this.#log.items[at]?.key
		const found = entriesOf(this.#log, this.#shown()).find(({items}) => items.some((item) => item.key === key))
		const node = this.#rows.get(found?.key)?.nodes.at(-1)
		const line = node?.querySelector(`[data-line="${this.#log.items[at]?.number}"]`) ?? node // of a block
		line?.scrollIntoView({block: "center"})
		node?.querySelector(".when")?.focus({preventScroll: true})
	}

	#isInSight(at) {
		const key = this.#log.items[at].key
		const found = entriesOf(this.#log, this.#shown()).find(({items}) => items.some((item) => item.key === key))
		const rect = this.#rows.get(found?.key)?.nodes.at(-1).getBoundingClientRect()
		return rect && rect.top >= this.scroller.getBoundingClientRect().top
	}

	// Draw the changes, and leave the lines that the reader sees where they are.
	render() {
		const log = this.#log
		if (!log) return
		const {scrollTop} = this.scroller
		if (this.isFollowing && scrollTop < this.#bottom && this.#below() >= BOTTOM) this.#scrolled() // its event is still to come
		log.isHeld = !this.isFollowing
		const anchors = this.isFollowing ? [] : this.#anchors()
		this.#arrange(log)
		if (this.isFollowing) this.#toBottom()
		else this.#keepPlace(anchors)
		this.#speak(log)
		this.acts.moved()
		if (this.scroller.scrollHeight < this.scroller.clientHeight + NEAR && !this.#isFull(log)) this.#pageUp()
	}

	// A click on a private line answers it in private, unless the click ends a selection of text.
	#clicked({target}) {
		const {answer} = target.closest("[data-answer]")?.dataset ?? {}
		if (answer && !target.closest("a, button") && getSelection().isCollapsed) location.hash = answer
	}

	// -- the window

	#shown() {
		const {items} = this.#log
		const at = Math.max(0, items.indexOf(this.#start))
		if (!this.isFollowing) return items.slice(at, at + this.#size)
		if (items.length - at <= MAX_ROWS) return items.slice(at)
		this.#start = items.at(-FOLLOWED) // many at once, so that rows are seldom removed
		return items.slice(-FOLLOWED)
	}

	#from(at, size) {
		this.#start = this.#log.items[Math.max(0, at)] ?? null
		this.#size = size
	}

	#arrange(log) {
		const unsent = this.isFollowing || this.#isEnd(log) ? log.unsent : []
		const rows = new Map()
		for (const entry of entriesOf(log, [...this.#shown(), ...unsent]).slice(-MAX_ROWS)) {
			const sign = signature(entry, log)
			const old = this.#rows.get(entry.key)
			rows.set(entry.key, old?.signature === sign ? old : {nodes: rowsOf(log, entry, this.acts), signature: sign})
		}
		this.#rows = rows
		arrange(
			this.list,
			[...rows.values()].flatMap(({nodes}) => nodes)
		)
		this.top.hidden = log.isComplete || !log.items.length
		$("beginning").hidden = !log.isComplete
	}

	#isEnd(log) {
		return log.isLive && this.#shown().at(-1) === log.items.at(-1)
	}

	#isFull(log) {
		return (
			(log.isComplete && this.#shown()[0] === log.items[0]) ||
			this.list.childNodes.length >= MAX_ROWS / 2 ||
			this.#isPaging
		)
	}

	// -- scrolling

	#scrolled() {
		const {clientWidth, clientHeight} = this.scroller
		if (clientWidth !== this.#width || clientHeight !== this.#height) return // not the reader: a phone was turned
		const isFollowing = this.#below() < BOTTOM && this.#isEnd(this.#log)
		if (this.isFollowing && !isFollowing) this.#leaveBottom()
		else if (isFollowing && !this.isFollowing) this.follow()
		this.acts.moved()
		if (this.isFollowing) return
		if (this.scroller.scrollTop < NEAR) this.#pageUp()
		else if (this.#below() < NEAR) this.#pageDown()
	}

	#leaveBottom() {
		const shown = this.#shown()
		this.isFollowing = false
		this.#from(this.#log.items.indexOf(shown[0]), Math.max(shown.length, PAGE))
		this.#log.isHeld = true
	}

	async #pageUp() {
		const log = this.#log
		if (this.#isPaging) return
		const [before, {isComplete}] = [log.items[0], log]
		if (this.#shown()[0] === before && !log.isComplete) await this.#ask(log, this.acts.older)
		if (log !== this.#log) return
		const shown = this.#shown()
		const at = log.items.indexOf(shown[0])
		const first = Math.max(0, at - PAGE)
		if (!this.isFollowing && at > 0) this.#window(first, at + shown.length, true)
		const isMore = this.isFollowing && at > 0 && log.items.length - first <= MAX_ROWS
		if (isMore) this.#start = log.items[first]
		if (isMore || (!this.isFollowing && at > 0) || log.items[0] !== before || log.isComplete !== isComplete)
			this.render()
	}

	async #pageDown() {
		const log = this.#log
		if (this.#isPaging) return
		if (this.#shown().at(-1) === log.items.at(-1) && !log.isLive) await this.#ask(log, this.acts.newer)
		if (log !== this.#log) return
		const at = Math.max(0, log.items.indexOf(this.#start))
		const end = Math.min(at + this.#size + PAGE, log.items.length)
		if (end <= at + this.#size) return
		this.#window(at, end, false)
		this.render()
	}

	// Show some items, but at most MAX_ROWS rows: drop the last ones, or the first.
	#window(first, end, isUp) {
		const items = this.#log.items.slice(first, end)
		const rows = entriesOf(this.#log, items)
		if (rows.length <= MAX_ROWS) return this.#from(first, items.length)
		const cut = items.indexOf(rows.at(isUp ? MAX_ROWS : -MAX_ROWS).items[0])
		return isUp ? this.#from(first, cut) : this.#from(first + cut, items.length - cut)
	}

	async #ask(log, page) {
		this.#isPaging = true
		try {
			await page(log)
		} finally {
			this.#isPaging = false
		}
	}

	// The rows that are visible or further down, with their positions.
	#anchors() {
		const top = this.scroller.getBoundingClientRect().top
		const nodes = [...this.list.childNodes].map((node) => ({node, rect: node.getBoundingClientRect()}))
		return nodes.filter(({rect}) => rect.bottom > top)
	}

	// Scroll so that the first of them that still exists is where it was.
	#keepPlace(anchors) {
		const anchor = anchors.find(({node}) => node.isConnected)
		if (anchor) this.scroller.scrollTop += anchor.node.getBoundingClientRect().bottom - anchor.rect.bottom
	}

	#below() {
		const {scrollHeight, scrollTop, clientHeight} = this.scroller
		return scrollHeight - scrollTop - clientHeight
	}

	#toBottom() {
		this.scroller.scrollTop = this.scroller.scrollHeight
		this.#bottom = this.scroller.scrollTop
	}

	// -- aloud

	// Announce only new items, never those of a page of history.
	#speak(log) {
		const at = log.items.indexOf(this.#heard)
		if (log.isLive && at >= 0) {
			const fresh = log.items.slice(at + 1)
			const words = fresh
				.filter((item) => !item.isOwn)
				.slice(-SPOKEN)
				.map(spoken)
				.filter(Boolean)
			this.live.append(...words.map((text) => make("p", {}, text)))
			while (this.live.childNodes.length > SPOKEN) this.live.firstChild.remove()
		}
		this.#heard = log.items.at(-1)
	}
}
