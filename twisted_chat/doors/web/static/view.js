// The view: the shown log, and the parts around it.

import {Compose} from "./compose.js"
import {$, icon, make} from "./dom.js"
import {Drawers, loadRest, openPart} from "./drawers.js"
import {isNewcomer, keepHintClosed} from "./keep.js"
import {typeInto} from "./keys.js"
import {Lines} from "./log.js"
import {colour, initialOf, isSame} from "./people.js"
import {linked} from "./row.js"
import {Side, addressOf} from "./side.js"

const FRAME = 200 // milliseconds after which even a hidden page is drawn
const WORDS = {trying: "connecting ...", in: "connected", elsewhere: "open in another tab"}

export class View {
	log = null
	#due = null // the next drawing
	#countdown = 0

	constructor(rooms, session, talk, drafts, acts) {
		Object.assign(this, {rooms, session, talk, drafts, acts})
		rooms.isReading = (log) => log === this.log && !document.hidden && document.hasFocus() && this.lines.isFollowing
		const [edit, forget] = ["edit", "forget"].map((act) => (key) => talk[act](this.log, key))
		this.lines = new Lines({...acts, edit, forget, moved: () => this.#showPlace()})
		this.compose = new Compose({
			send: (text) => this.#send(text),
			known: () => this.#known(),
			begun: acts.refresh,
			changed: (text) => this.log && drafts.put(this.log.key, text)
		})
		this.side = new Side(acts)
		this.drawers = new Drawers()
		this.#listen()
	}

	#listen() {
		const {rooms} = this
		for (const button of document.querySelectorAll("[data-icon]")) button.prepend(icon(button.dataset.icon))
		const on = (id, type, act) => $(id).addEventListener(type, act)
		on("entrance-form", "submit", (event) => this.#enter(event))
		on("skip", "click", (event) => event.preventDefault() ?? $("say").focus())
		on("now", "click", () => this.session.retry())
		on("here", "click", () => this.session.enter(this.session.alias))
		on("newest", "click", () => this.#toNewest())
		on("open-search", "click", () => this.#search())
		for (const name of ["rooms", "people"]) {
			on(`open-${name}`, "click", (event) => this.drawers.open(name, event.currentTarget))
			on(name, "click", (event) => event.target.closest("a") && this.drawers.close())
		}
		on("join-form", "submit", (event) => event.preventDefault() ?? this.#join(this.side.meant(rooms)))
		on("make-room", "click", () => this.#join($("room-wanted").value.trim()))
		for (const name of ["room-wanted", "member-wanted"]) on(name, "input", () => this.later())
		on("open-switcher", "click", () => openPart(this, "switcher"))
		for (const id of ["open-help", "hint-help"]) on(id, "click", () => openPart(this, "help"))
		on("hint", "click", ({target}) => target.closest("button") && this.#closeHint())
		on("open-invite", "click", () => openPart(this, "invite"))
		on("leave", "click", () => openPart(this, "leave"))
		on("open-account", "click", () => openPart(this, "account"))
		document.addEventListener("keydown", (event) => this.#key(event))
		typeInto($("say"), () => !$("chat").hidden && !$("main").inert && !document.querySelector("dialog[open]"))
		addEventListener("hashchange", () => this.#route())
		for (const type of ["focus", "visibilitychange"]) addEventListener(type, () => this.later(), true)
	}

	// -- entering

	// Ask for an alias; with the reason if the last alias was refused.
	askAlias(alias, why = "") {
		this.#showChat(false)
		const isTyping = !why && document.activeElement === $("alias") && $("alias").value // since before this was loaded
		if (!isTyping) $("alias").value = alias
		$("alias").setAttribute("aria-invalid", String(Boolean(why)))
		this.#waits(false, why)
		$("take-over").hidden = true
		if (!isTyping) $("alias").select()
		document.title = "twisted_chat"
	}

	#waits(isWaiting, words) {
		$("enter").disabled = isWaiting
		$("entrance-said").textContent = words
	}

	#enter(event) {
		event.preventDefault()
		const alias = $("alias").value.trim()
		if (!alias) return
		this.#waits(true, WORDS.trying)
		this.acts.enter(alias)
	}

	// Offer another alias, since another tab uses this one, or to take it over here.
	offer(alias, takeOver) {
		const isOpen = isSame($("alias").value.trim(), alias)
		if (!isOpen) return
		this.askAlias(
			`${alias}2`,
			`${alias} is in the chat in another tab of this browser. Choose another alias, or go on as ${alias} here.`
		)
		$("take-over").hidden = false
		$("take-over").textContent = `Go on as ${alias} here`
		$("take-over").onclick = takeOver
	}

	entered(isFirst) {
		this.#showChat()
		this.status("in")
		if (this.rooms.get(this.log?.key) !== this.log) this.#open(this.#another())
		if (isFirst || !this.isRouted) this.#route()
		if (isFirst) $("say").focus()
		loadRest(this)
		$("hint").hidden = !isNewcomer()
	}

	// Show the state from before a reload.
	restored(shown) {
		this.#showChat()
		this.#open(this.rooms.get(shown) ?? this.#another())
	}

	// Show the chat or the entrance, and hide the other.
	#showChat(isIn = true) {
		for (const [id, isShown] of [
			["entrance", !isIn],
			["chat", isIn]
		])
			$(id).hidden = !isShown
		$(isIn ? "entrance" : "main").removeAttribute("role")
		$(isIn ? "main" : "entrance").setAttribute("role", "main")
	}

	// -- the state of the connection

	status(name, pause = 0, why = "") {
		clearInterval(this.#countdown)
		const end = performance.now() + pause
		const words = () =>
			WORDS[name] ??
			`${why || "no connection"}: trying again in ${Math.max(1, Math.ceil((end - performance.now()) / 1000))} s`
		const tell = () => this.#tell(name, words())
		tell()
		if (name === "waiting") this.#countdown = setInterval(tell, 500)
		$("now").hidden = name !== "waiting"
		$("elsewhere").hidden = name !== "elsewhere"
		if (name === "elsewhere") $("here").focus()
	}

	#tell(name, words) {
		document.body.dataset.state = name
		$("state").textContent = WORDS[name] ?? "no connection"
		if ($("chat").hidden && name === "waiting") this.#waits(false, words)
		$("banner").hidden = name === "in" || name === "elsewhere"
		if ($("banner-words").textContent !== words) $("banner-words").textContent = words
	}

	// -- which log is shown

	open(key) {
		const log = this.rooms.get(key)
		if (!log) return
		if (location.hash !== addressOf(log)) history.replaceState(null, "", addressOf(log))
		this.#open(log)
		this.drawers.close()
	}

	#open(log) {
		const isAnother = this.log !== log
		if (this.log && isAnother) this.log.marked = this.log.sought = undefined
		if (this.log && isAnother && !this.log.counts?.posts) this.log.mark = undefined // or a member has not seen it yet
		this.log = log
		if (isAnother) this.compose.put(this.drafts.get(log.key))
		log.used = Date.now()
		log.isClosed = false
		if (!log.isLive) log.clear()
		this.lines.show(log)
		this.acts.refresh()
		this.later()
		this.#head()
	}

	// Called when the reader has left a room: if it is shown, show another log.
	moved() {
		if (this.rooms.get(this.log.key) !== this.log || this.log.isClosed) this.open(this.#another().key)
	}

	#another() {
		return this.rooms.get(this.session.current) ?? this.rooms.of("room")[0] ?? this.rooms.everyone
	}

	// Open the log in the address: #lobby, #lobby/1042, #@alias, #*
	#route() {
		const [name, number] = location.hash.slice(1).split("/").map(decoded)
		this.isRouted = true
		if (!this.session.wasIn || !name) return
		if (name === "*") this.open(name)
		else if (name.startsWith("@")) this.openPerson(name.slice(1))
		else if (!this.rooms.get(name.toLowerCase())) this.#joinFor(name, Number(number))
		else this.#openAt(this.rooms.get(name.toLowerCase()), Number(number))
	}

	// Begin a line for the reader to complete.
	begin(text) {
		this.compose.put(text)
		$("say").focus()
	}

	openPerson(alias) {
		if (alias && !this.rooms.isMe(alias)) this.open(this.rooms.person(alias).key)
		$("say").focus()
	}

	async #joinFor(name, number) {
		try {
			const {room} = await this.session.ask("join", {room: name})
			this.#openAt(this.rooms.get(room), number)
		} catch (refused) {
			this.talk.notice(this.log, {text: refused.message, isRefusal: true})
		}
	}

	async #openAt(log, number) {
		if (this.log !== log) this.#open(log)
		this.drawers.close()
		if (!number) return
		log.isHeld = true
		if (await this.acts.goTo(log, number)) {
			log.marked = number
			if (this.log === log) this.lines.showItem(log.find(number))
		} else {
			this.#toNewest()
			this.talk.notice(log, {text: `${log.label} has no line ${number} any more, or not yet`, isRefusal: true})
		}
	}

	#toNewest() {
		const {log} = this
		if (!log.isLive) log.clear()
		log.marked = log.sought = undefined
		this.lines.follow()
		this.later()
		$("say").focus()
	}

	#beside(step, isUnread) {
		const all = [
			...this.rooms.of("room"),
			this.rooms.everyone,
			...this.rooms.of("person").filter((log) => !log.isClosed)
		]
		const from = all.indexOf(this.log)
		const around = all.map((_, index) => all[(from + step * (index + 1) + all.length * 2) % all.length])
		const next = around.find((log) => !isUnread || log.unread)
		if (next) this.open(next.key)
	}

	async #search() {
		const {Search} = await import("./search.js")
		const show = (event, log, item, sought) => this.#showFound(event, log, item, sought)
		this.search ??= new Search(this.rooms, {ask: (fields) => this.session.ask("search", fields), show})
		this.search.open()
	}

	// Show a found line. In a room, the link does that; other lines have no address.
	#showFound(event, log, item, sought) {
		log.sought = sought
		if (log.kind === "room") return
		event.preventDefault()
		this.open(log.key)
		log.marked = item.key
		const at = log.items.indexOf(item)
		if (at >= 0) this.lines.showItem(at)
	}

	// -- typing

	#closeHint() {
		$("hint").hidden = true
		keepHintClosed()
	}

	#send(text) {
		if (!this.lines.isFollowing) this.#toNewest()
		return this.talk.send(this.log, text)
	}

	giveBack(log, text) {
		if (log !== this.log || this.compose.text.trim()) return false
		this.compose.put(text)
		return true
	}

	#known() {
		const {rooms, log, side} = this
		const aliases = new Set(
			[...log.members.values(), ...rooms.of("person").map((one) => ({alias: one.label}))].map(({alias}) => alias)
		)
		const names = new Set([...rooms.of("room"), ...side.known].map(({key}) => key))
		return {commands: this.talk.commands, aliases: [...aliases], rooms: [...names], own: rooms.alias}
	}

	#join(meant) {
		$("room-wanted").value = ""
		if (!meant) return
		if (this.rooms.get(meant)) this.open(meant)
		else this.acts.join(meant)
		this.drawers.close()
	}

	// -- drawing

	// Draw the changes in the next frame that is as many milliseconds away; a hidden page has no frames.
	later(pause = 0) {
		const due = (this.#due ??= {from: 0})
		due.from = Math.max(due.from, performance.now() + pause)
		if (due.isWaiting) return
		due.isWaiting = true
		const isIt = () => due === this.#due
		const draw = () => isIt() && (performance.now() < due.from ? requestAnimationFrame(draw) : this.#draw())
		requestAnimationFrame(draw)
		setTimeout(() => isIt() && this.#draw(), FRAME)
	}

	#draw() {
		this.#due = null
		const {log, rooms} = this
		if (!log) return
		if (rooms.isReading(log)) rooms.read(log)
		this.lines.render()
		this.side.showLogs(rooms, log)
		this.side.showMembers(log, rooms.alias)
		this.#head()
		const [unread, calls] = ["unread", "calls"].map((name) =>
			[...rooms.logs.values()].reduce((sum, one) => sum + one[name], 0)
		)
		if (!$("chat").hidden) document.title = `${unread ? `(${unread}) ` : ""}${log.label} - twisted_chat`
		$("open-rooms").toggleAttribute("data-unread", unread > 0)
		if (calls) $("open-rooms").dataset.unread = "calls"
	}

	#head() {
		const {log, rooms} = this
		const {title, topic, say, beginning} = ABOUT[log.kind](log)
		$("chat").dataset.kind = log.kind
		$("title").textContent = title
		if ($("topic").title !== topic || !topic) $("topic").replaceChildren(...linked(topic))
		$("topic").title = topic
		$("say").placeholder = $("say-label").textContent = `Say something ${say}`
		$("lines").setAttribute("aria-label", `Lines: ${log.label}`)
		$("member-count").textContent = $("people-count").textContent = log.count || ""
		$("beginning").replaceChildren(make("b", {dir: "auto"}, title), beginning)
		$("own-alias").textContent = rooms.alias
		$("own-face").textContent = initialOf(rooms.alias)
		colour($("own-face"), rooms.alias)
	}

	#showPlace() {
		const {log} = this
		if (!log) return
		$("newest").hidden = this.lines.isFollowing
		$("newest-words").textContent = log.unread ? `${log.unread} new` : "newest"
		if (this.rooms.isReading(log) && log.unread) this.later()
	}

	// -- keys

	#key(event) {
		if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
			event.preventDefault()
			if (!$("chat").hidden) openPart(this, "switcher")
		} else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
			event.preventDefault()
			if (!$("chat").hidden) this.#beside(event.key === "ArrowUp" ? -1 : 1, event.shiftKey)
		} else if (event.key === "Escape" && !event.defaultPrevented) {
			if (document.body.dataset.drawer) this.drawers.close()
			else if (!document.querySelector("dialog[open]") && !$("chat").hidden) this.#toNewest()
		} else if (event.target === $("say") && /^Page(Up|Down)$/.test(event.key)) {
			event.preventDefault()
			$("scroller").scrollBy(0, (event.key === "PageUp" ? -0.9 : 0.9) * $("scroller").clientHeight)
		}
	}
}

const ABOUT = {
	room: ({label, topic, first, items}) => ({
		title: `# ${label}`,
		topic,
		say: `in ${label}`,
		beginning:
			first > 1
				? "Earlier lines are not kept any more."
				: items.some((item) => item.kind === "said")
					? "This is where the room began."
					: "Nobody has said anything here yet."
	}),
	person: ({label}) => ({
		title: label,
		topic: "private",
		say: `to ${label} alone`,
		beginning: "Only the two of you see these lines."
	}),
	everyone: ({label}) => ({
		title: label,
		topic: "",
		say: "to everyone",
		beginning: "These lines reach everyone who is connected."
	})
}

function decoded(part) {
	try {
		return decodeURIComponent(part)
	} catch {
		return part
	}
}
