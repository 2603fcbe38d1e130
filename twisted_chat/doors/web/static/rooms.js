// The logs: rooms, conversations and broadcasts, with their numbers. Pure: no DOM, no connection.
//
// The law: in a room each number is taken once, in order; missing numbers become a "skipped".

import {mentions, names} from "./links.js"
import {isSame, keyOf} from "./people.js"
import {Unread} from "./unread.js"

const KEPT_ITEMS = 2000 // of a log; older ones are fetched again when needed
const CUT = 500 // items to forget at once
const MAX_TOPIC = 80 // characters of a topic in the answer to "rooms"
const MOVES = new Set(["joined", "left", "removed", "renamed"])
const SAID = new Set(["said", "acted", "noted"])
const EVERYONE = "*"

let made = 0

// A log: events of a room without gaps, and notices of this page between them.
export class Log {
	constructor(key, label) {
		this.key = key // a room's name, "*", or "@" and an alias's key
		this.label = label
		this.kind = key === EVERYONE ? "everyone" : key.startsWith("@") ? "person" : "room"
		this.last = undefined // the newest number, from an event or an answer
		this.items = [] // oldest first: events, and {kind: "notice" ...} without a number
		this.unsent = [] // the reader's posts here that are not acknowledged, or were refused
		this.isLive = true // the items reach to the newest event
		this.isHeld = false // the reader is further up: nothing may be forgotten there
		this.isComplete = this.kind !== "room" // there are no earlier items to fetch
		this.copied = [] // [log, item]: lines of other logs that are shown here and are unread
		this.unread = 0
		this.calls = 0 // unread lines that name the reader, or are private; of a member: that mention the member
		this.counts = undefined // of a member's room: an Unread, from which both numbers are
		this.mark = undefined // the item before the first unread one, when the log was opened
		this.topic = ""
		this.isClosed = false // a conversation that the reader has closed
		this.members = new Map() // by key: {alias, away}
		this.moves = 0 // changes of "members"
		this.used = 0 // when the reader opened it last, in milliseconds
		this.count = 0
		this.membersAt = Infinity // the number at which the members were listed
		this.enteredAt = 0 // the last number when the reader entered
	}

	get first() {
		return this.items.find((item) => item.number)?.number
	}

	get end() {
		return this.items.findLast((item) => item.number)?.end
	}

	// Add an event, or a notice of the page, as the newest item.
	push(item) {
		item.key = item.number && this.kind !== "person" ? `n${item.number}` : `l${++made}`
		item.end ??= item.number
		if (!this.isLive && item.number) return // it will be fetched
		if (this.items.length >= KEPT_ITEMS && this.isHeld) {
			this.isLive = this.kind !== "room"
			if (!this.isLive) return
		} else if (this.items.length >= KEPT_ITEMS) {
			this.#forgetOldest()
		}
		this.items.push(item)
	}

	// Add a page of events before the first item, or after the last one.
	addPage(events, {before, isWhole}) {
		if (before) {
			this.items.unshift(...withoutGaps(events, undefined, this.first ?? (this.last ?? 0) + 1))
			this.isComplete = isWhole
			if (this.items.length > KEPT_ITEMS) this.#forgetNewest()
		} else {
			this.items.push(...withoutGaps(events, (this.end ?? 0) + 1))
			this.isLive = (this.end ?? 0) >= (this.last ?? 0)
			if (this.items.length > KEPT_ITEMS) this.#forgetOldest()
		}
	}

	// Replace all items by a page from the middle.
	replace(events, isWhole) {
		this.items = withoutGaps(events)
		this.isLive = (this.end ?? 0) >= (this.last ?? 0)
		this.isComplete = isWhole
	}

	// Forget all items: the newest are fetched again.
	clear() {
		this.items = []
		this.isLive = true
		this.isComplete = this.kind !== "room"
	}

	#forgetNewest() {
		this.items.splice(-CUT)
		this.isLive = false
	}

	#forgetOldest() {
		this.items.splice(0, CUT)
		this.isComplete = this.kind !== "room"
	}

	// Show a line of another log here too: reading it here marks it as read there.
	copy(log, item) {
		this.push({kind: "copied", event: item, from: log.label, time: 0})
		this.copied.push([log, item])
	}

	read() {
		if (this.counts) {
			if (this.isLive && this.end) this.readTo(this.end)
		} else {
			for (const item of this.items) delete item.isUnread
			this.unread = this.calls = 0
		}
		for (const [log, item] of this.copied.splice(0)) log.readOne(item)
	}

	// Move a member's mark up; return whether the counts are still known.
	readTo(number) {
		const isKnown = this.counts.read(number, this.last)
		this.recount()
		return isKnown
	}

	recount() {
		this.unread = this.counts.posts
		this.calls = this.counts.calls
	}

	readOne(item) {
		if (!item.isUnread) return
		delete item.isUnread
		this.unread -= 1
		this.calls -= item.isCall ? 1 : 0
		if (!this.unread) this.mark = undefined
	}

	find(number) {
		return this.items.findIndex((item) => item.number <= number && number <= item.end)
	}
}

// Put a "skipped" wherever the numbers of some events have a gap.
export function withoutGaps(events, from, to) {
	const whole = []
	let next = from ?? events[0]?.number ?? to
	for (const event of events) {
		if (event.number > next) whole.push(gap(event.room, next, event.number - 1))
		whole.push({...event, end: event.number, key: `n${event.number}`})
		next = event.number + 1
	}
	if (to !== undefined && next < to) whole.push(gap(events.at(-1)?.room, next, to - 1))
	return whole
}

const gap = (room, number, end) => ({kind: "skipped", room, number, end, key: `n${number}`})

// All the logs of one person.
export class Rooms {
	constructor() {
		this.alias = ""
		this.client = "" // the server's public name for this page
		this.journal = ""
		this.inbox = undefined // the last number in the alias's log
		this.logs = new Map([[EVERYONE, new Log(EVERYONE, "Everyone")]])
		this.isReading = () => false // whether the reader is looking at a log
		this.hasRead = () => {} // (room, number): called when a member has read a room, or "@", up to a number
		this.isMember = false
		this.inboxRead = 0 // of a member: the number of the last private line that was read
		this.isInboxWhole = false // the private lines from before this session are here, too
	}

	get(key) {
		return this.logs.get(key)
	}

	get everyone() {
		return this.logs.get(EVERYONE)
	}

	of(kind) {
		return [...this.logs.values()].filter((log) => log.kind === kind)
	}

	room(name) {
		return this.logs.get(name) ?? this.#add(new Log(name, name))
	}

	person(alias) {
		const key = `@${keyOf(alias)}`
		return this.logs.get(key) ?? this.#add(new Log(key, alias))
	}

	#add(log) {
		this.logs.set(log.key, log)
		return log
	}

	remove(key) {
		if (key !== EVERYONE) this.logs.delete(key)
	}

	isMe(alias) {
		return Boolean(this.alias) && isSame(alias, this.alias)
	}

	// -- entering

	// Return the numbers after which to resume.
	after() {
		const after = Object.create(null) // a room may be called "constructor"
		for (const log of this.of("room")) if (log.last !== undefined) after[log.key] = log.last
		if (this.everyone.last !== undefined) after[EVERYONE] = this.everyone.last
		if (this.inbox !== undefined) after["@"] = this.inbox
		return after
	}

	// Apply the answer to hello; "asked": the numbers after which we resumed.
	begin(hello, asked) {
		const isAnother = Boolean(this.journal) && this.journal !== hello.journal
		Object.assign(this, {alias: hello.alias, client: hello.client, journal: hello.journal})
		for (const log of this.of("room")) if (!Object.hasOwn(hello.rooms, log.key)) this.remove(log.key)
		for (const [name, number] of Object.entries({...hello.rooms, [EVERYONE]: hello.everyone})) {
			this.#enter(this.room(name), number, asked[name], isAnother)
		}
		if (isAnother && "@" in asked) this.inbox = 0
		else if (!("@" in asked) || this.inbox > hello.private) this.inbox = hello.private
		this.isInboxWhole ||= "@" in asked
		this.setCounts(hello)
	}

	// Take the private lines to a member that came before this session.
	missed(events) {
		this.isInboxWhole = true
		for (const event of events) {
			const log = this.person(event.author)
			if (event.number <= this.inboxRead || this.isMe(event.author)) continue
			if (!log.items.some((item) => item.number === event.number && !item.isOwn)) this.#take(log, event)
		}
	}

	// Set a member's marks and counts, from the answer to hello or to "unread"; a guest has none.
	setCounts({rooms, marks, unread = {}, mentions: calls = {}}) {
		this.isMember = Boolean(marks)
		for (const log of this.of("room")) {
			const to = rooms[log.key] ?? log.last
			log.counts = marks && new Unread(of(marks, log.key) ?? to, to, of(unread, log.key), of(calls, log.key))
			if (!marks) continue
			log.recount()
			if (log.unread) log.mark = keyAt(log.counts.mark)
		}
		if (marks) this.#readPrivate(of(marks, "@") ?? 0)
	}

	// -- marks of a member

	// Called when the reader is looking at a log.
	read(log) {
		const before = log.counts?.mark
		log.read()
		if (!this.isMember) return
		if (log.counts && log.counts.mark > before) this.hasRead(log.key, log.counts.mark)
		if (!this.isInboxWhole) return
		const unread = this.of("person").flatMap(({items}) => items.filter((item) => item.isUnread))
		const number = unread.length ? Math.min(...unread.map((item) => item.number)) - 1 : (this.inbox ?? 0)
		if (number <= this.inboxRead) return
		this.inboxRead = number
		this.hasRead("@", number)
	}

	// Called when another device has moved a mark; return whether the counts are still known.
	marked({room, number}) {
		if (room === "@") return this.#readPrivate(number)
		const log = this.get(room)
		if (!log?.counts) return true
		const {unread} = log
		const isKnown = log.readTo(number)
		if (log.unread) log.mark = keyAt(log.counts.mark)
		else if (unread) log.mark = undefined
		return isKnown
	}

	#readPrivate(number) {
		this.inboxRead = Math.max(this.inboxRead, number)
		for (const log of this.of("person")) for (const item of log.items) if (item.number <= number) log.readOne(item)
		return true
	}

	#enter(log, number, asked, isAnother) {
		log.enteredAt = number
		log.membersAt = Infinity
		if (asked === undefined) {
			log.last = number
		} else if (isAnother || asked > number) {
			log.clear()
			log.last = isAnother ? 0 : number
			const why = isAnother
				? "the server has another journal now"
				: `the server has lost the events after number ${number}`
			log.push({kind: "notice", lines: [why]})
		} else if (log.kind === "room") {
			log.push({kind: "back", words: `here again; resumed after ${asked}`})
		}
	}

	// -- events

	// Take an event; return {log, isNews}. If events before it are missing, they are fetched when the reader scrolls there.
	hear(event) {
		if (event.room.startsWith("@")) return this.#hearPrivate(event)
		const log = this.room(event.room)
		const next = (log.last ?? event.number - 1) + 1
		if (event.number < next) return {log, isNews: false}
		if (event.number > next && log.kind === "room") log.clear()
		this.#follow(log, event)
		log.last = event.number
		this.#take(log, event)
		return {log: this.get(log.key), isNews: true}
	}

	#hearPrivate(event) {
		const to = event.room.slice(1)
		if (this.isMe(to)) {
			if (event.kind === "took" && event.text === this.client) this.inbox = event.number
			if (event.number <= (this.inbox ?? 0) && event.kind !== "took") return {isNews: false}
			this.inbox = Math.max(event.number, this.inbox ?? 0)
		}
		if (!SAID.has(event.kind)) return {isNews: false}
		const log = this.person(this.isMe(to) ? event.author : to)
		this.#take(log, event)
		return {log, isNews: true}
	}

	// Mark the numbers that the server does not send as seen.
	skip({room, first, last}) {
		if (room.startsWith("@")) {
			if (this.isMe(room.slice(1))) this.inbox = Math.max(last, this.inbox ?? 0)
			return undefined
		}
		const log = this.room(room)
		if (log.last !== undefined && last <= log.last) return undefined
		const begin = Math.max(first, (log.last ?? 0) + 1)
		log.last = last
		log.push(gap(room, begin, last))
		return log
	}

	#take(log, event) {
		const item = this.regard({...event})
		log.isClosed = false
		if (item.isOwn) log.mark = undefined
		if (item.isOwn && log.kind === "person")
			log.read() // an answer means that the reader has read it
		else if (log.counts) this.#count(log, item)
		else if (!item.isOwn && SAID.has(event.kind) && !this.isReading(log)) count(log, item)
		log.push(item)
	}

	// Count an event in a member's room; what the reader is looking at is read when it is drawn.
	#count(log, item) {
		if (item.isOwn && item.client === this.client) log.readTo(item.number)
		if (item.isOwn || !SAID.has(item.kind)) return
		const {unread} = log
		log.counts.add(item, mentions(item.text, this.alias))
		log.recount()
		if (!unread && log.unread && !this.isReading(log)) log.mark = keyAt(item.number - 1)
	}

	// Mark an event as the reader's own, or as a call to the reader.
	regard(event) {
		if (SAID.has(event.kind)) {
			event.isOwn = this.isMe(event.author)
			event.isCall = !event.isOwn && (event.room.startsWith("@") || names(event.text, this.alias))
		}
		return event
	}

	// -- people and rooms

	#follow(log, {kind, number, author, text}) {
		if (kind === "retitled") log.topic = text
		if (MOVES.has(kind)) {
			if (number > log.membersAt) move(log, kind, author, text)
			if (number > log.enteredAt && this.isMe(author)) this.#moved(log, kind, text)
		}
	}

	#moved(log, kind, text) {
		if (kind === "left" || kind === "removed") this.remove(log.key)
		if (kind === "renamed") this.take(text)
	}

	// Take another alias.
	take(alias, inbox) {
		if (!isSame(alias, this.alias)) Object.assign(this, {inbox, inboxRead: 0})
		this.alias = alias
	}

	// Set a topic, from its event or answer, or its beginning from the answer to "rooms".
	setTopic(room, topic, isWhole) {
		const log = this.get(room)
		if (log && (isWhole || log.topic.slice(0, MAX_TOPIC) !== topic)) log.topic = topic
	}

	// Set the members from the answer to "who".
	setMembers({room, number, count, members, away = {}}) {
		const log = this.get(room)
		if (!log) return
		const why = new Map(Object.entries(away))
		log.members = new Map(members.map((alias) => [keyOf(alias), {alias, away: why.get(alias)}]))
		log.count = count
		log.moves += 1
		log.membersAt = number
	}
}

const keyAt = (number) => `n${number}`

const of = (numbers, key) => (Object.hasOwn(numbers, key) ? numbers[key] : undefined) // a room may be called "constructor"

function count(log, item) {
	if (item.block > 1) return // a block counts once
	if (!log.unread) log.mark = log.items.at(-1)?.key
	item.isUnread = true
	log.unread += 1
	log.calls += item.isCall ? 1 : 0
}

function move(log, kind, author, text) {
	const before = log.members.size
	log.moves += 1
	if (kind !== "joined") log.members.delete(keyOf(author))
	if (kind === "joined" || kind === "renamed") {
		const alias = kind === "joined" ? author : text
		log.members.set(keyOf(alias), {alias})
	}
	log.count += log.members.size - before
}
