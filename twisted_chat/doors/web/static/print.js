// A log on paper: all of its lines, and not only those that the page holds as rows.

import {$, make} from "./dom.js"
import {withoutGaps} from "./rooms.js"
import {entriesOf, rowsOf} from "./row.js"

const HISTORY_PAGE = 500 // events
const MAX_LINES = 20000

// log(): the shown log; ask(fields): a promise of a page of history
export class Paper {
	#isWhole = false // all lines are in the document already

	constructor(log, ask) {
		Object.assign(this, {log, ask})
		addEventListener("beforeprint", () => this.#isWhole || this.#fill(this.log().items, this.log().isComplete))
		addEventListener("afterprint", () => this.#clear())
		document.addEventListener("keydown", (event) => {
			const isPrint = event.key === "p" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey
			if (!isPrint || this.log().kind !== "room" || $("chat").hidden) return
			event.preventDefault()
			this.#printAll(this.log())
		})
	}

	async #printAll(log) {
		$("live").append(make("p", {}, "collecting the lines to print"))
		document.body.classList.add("collects")
		const {events, isAll} = await this.#collect(log)
		document.body.classList.remove("collects")
		if (this.log() !== log) return
		this.#isWhole = true
		this.#fill(withoutGaps(events), isAll)
		print()
	}

	async #collect(log) {
		let events = []
		let until = log.last ?? 0
		try {
			while (until > 0 && events.length < MAX_LINES) {
				const page = await this.ask({room: log.key, until, limit: HISTORY_PAGE})
				events = [...page.events, ...events]
				until = page.more && page.events.length ? page.events[0].number - 1 : 0
			}
			return {events, isAll: !until}
		} catch {
			return {events: events.length ? events : log.items.filter(({number}) => number), isAll: false}
		}
	}

	#fill(items, isAll) {
		this.#clear(this.#isWhole)
		if ($("chat").hidden) return
		const log = this.log()
		const start = isAll
			? ""
			: make("p", {}, "Earlier lines are not here; Ctrl+P in the page, while it is connected, prints all of a room.")
		const rows = entriesOf({}, items).flatMap((entry) => rowsOf({kind: log.kind, key: log.key}, entry, {}))
		const topic = log.topic && make("p", {dir: "auto"}, log.topic)
		document.body.append(
			make(
				"section",
				{id: "paper"},
				make("h1", {dir: "auto"}, $("title").textContent),
				topic,
				start,
				make("ol", {}, ...rows)
			)
		)
		document.body.classList.add("on-paper")
	}

	#clear(isWhole = false) {
		this.#isWhole = isWhole
		$("paper")?.remove()
		document.body.classList.remove("on-paper")
	}
}
