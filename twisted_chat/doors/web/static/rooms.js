// What was heard: rooms, conversations and the log of everyone, with their numbers. Pure: no DOM, no connection.
//
// The law: in a room each number is taken once, after the one before it; what is not there is told as skipped.

import {names} from "./links.js"
import {isSame, keyOf} from "./people.js"

const KEPT = 2000 // items of a log that are kept; the rest is asked for again
const CUT = 500 // items that are forgotten at once
const TOLD = 80 // characters of a topic
const MOVES = new Set(["joined", "left", "renamed"])
const SAID = new Set(["said", "acted"])
const EVERYONE = "*"

let made = 0

// A log: a stretch without gaps of what happened in a room, and what this page alone has to say between it.
export class Log {
	constructor(key, label) {
		this.key = key // a room's name, "*", or "@" and an alias's key
		this.label = label
		this.kind = key === EVERYONE ? "everyone" : key.startsWith("@") ? "person" : "room"
		this.last = undefined // the newest number, heard or told of
		this.items = [] // oldest first: events, and {kind: "notice" ...} without a number
		this.unsent = [] // what the reader said here and is not acknowledged, or was refused
		this.isLive = true // the items reach to the newest
		this.isHeld = false // somebody reads further up: nothing may be forgotten there
		this.isComplete = this.kind !== "room" // there is nothing before the items that could be asked for
		this.copied = [] // [log, item]: lines of other logs that are shown here and are unread
		this.unread = 0
		this.calls = 0 // unread lines that name the reader, or are to them alone
		this.mark = undefined // the item before the first that was unread when the log was opened
		this.topic = ""
		this.isClosed = false // a conversation that the reader has put away
		this.members = new Map() // by key: {alias, away}
		this.moves = 0 // changes of "members"
		this.used = 0 // when the reader opened it last, in milliseconds
		this.count = 0
		this.membersAt = Infinity // the number at which they were told
		this.cameAt = 0 // the last number when one came in
	}

	get first() {
		return this.items.find((item) => item.number)?.number
	}

	get end() {
		return this.items.findLast((item) => item.number)?.end
	}

	// Take an event, or something of the page's own, as the newest.
	push(item) {
		item.key = item.number && this.kind !== "person" ? `n${item.number}` : `l${++made}`
		item.end ??= item.number
		if (!this.isLive && item.number) return // it will be asked for
		if (this.items.length >= KEPT && this.isHeld) {
			this.isLive = this.kind !== "room"
			if (!this.isLive) return
		} else if (this.items.length >= KEPT) {
			this.#forgetOldest()
		}
		this.items.push(item)
	}

	// Take a page of what was before the first item, or after the last one.
	addPage(events, {before, isWhole}) {
		if (before) {
			this.items.unshift(...withoutGaps(events, undefined, this.first ?? (this.last ?? 0) + 1))
			this.isComplete = isWhole
			if (this.items.length > KEPT) this.#forgetNewest()
		} else {
			this.items.push(...withoutGaps(events, (this.end ?? 0) + 1))
			this.isLive = (this.end ?? 0) >= (this.last ?? 0)
			if (this.items.length > KEPT) this.#forgetOldest()
		}
	}

	// Take a page from the middle in place of all that is there.
	replace(events, isWhole) {
		this.items = withoutGaps(events)
		this.isLive = (this.end ?? 0) >= (this.last ?? 0)
		this.isComplete = isWhole
	}

	// Forget all items: the newest are asked for again.
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

	// Show a line of another log here too: who reads it here has read it there.
	copy(log, item) {
		this.push({kind: "copied", event: item, from: log.label, time: 0})
		this.copied.push([log, item])
	}

	read() {
		for (const item of this.items) delete item.isUnread
		this.unread = this.calls = 0
		for (const [log, item] of this.copied.splice(0)) log.#readOne(item)
	}

	#readOne(item) {
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

// Put a "skipped" wherever the numbers of some events leave something out.
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

// All the logs of one person, who has an alias.
export class Rooms {
	constructor() {
		this.alias = ""
		this.client = "" // as whom the server knows this page
		this.journal = ""
		this.inbox = undefined // the last number of what is said to the alias
		this.logs = new Map([[EVERYONE, new Log(EVERYONE, "Everyone")]])
		this.isReading = () => false // whether a log is before somebody's eyes
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

	// -- coming in

	// Return the numbers to come back with.
	after() {
		const after = Object.create(null) // a room may be called "constructor"
		for (const log of this.of("room")) if (log.last !== undefined) after[log.key] = log.last
		if (this.everyone.last !== undefined) after[EVERYONE] = this.everyone.last
		if (this.inbox !== undefined) after["@"] = this.inbox
		return after
	}

	// Learn from the answer to hello, which was asked for what came after some numbers.
	begin(hello, asked) {
		const isAnother = Boolean(this.journal) && this.journal !== hello.journal
		Object.assign(this, {alias: hello.alias, client: hello.client, journal: hello.journal})
		for (const log of this.of("room")) if (!Object.hasOwn(hello.rooms, log.key)) this.remove(log.key)
		for (const [name, number] of Object.entries({...hello.rooms, [EVERYONE]: hello.everyone})) {
			this.#enter(this.room(name), number, asked[name], isAnother)
		}
		if (isAnother && "@" in asked) this.inbox = 0
		else if (!("@" in asked) || this.inbox > hello.private) this.inbox = hello.private
	}

	#enter(log, number, asked, isAnother) {
		log.cameAt = number
		log.membersAt = Infinity
		if (asked === undefined) {
			log.last = number
		} else if (isAnother || asked > number) {
			log.clear()
			log.last = isAnother ? 0 : number
			const why = isAnother
				? "the server's journal is another one now"
				: `the server has lost what came after number ${number}`
			log.push({kind: "notice", lines: [why]})
		} else if (log.kind === "room") {
			log.push({kind: "back", words: `here again; resumed after ${asked}`})
		}
	}

	// -- hearing

	// Take an event; return {log, isNews}. If something before it is missing, it is asked for when somebody reads there.
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

	// Take what the server does not give as seen.
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
			log.read() // who answers has read
		else if (!item.isOwn && SAID.has(event.kind) && !this.isReading(log)) count(log, item)
		log.push(item)
	}

	// Note what an event is to the reader: their own, or a call to them.
	regard(event) {
		if (SAID.has(event.kind)) {
			event.isOwn = this.isMe(event.author)
			event.isCall = !event.isOwn && (event.room.startsWith("@") || names(event.text, this.alias))
		}
		return event
	}

	// -- who is where

	#follow(log, {kind, number, author, text}) {
		if (kind === "retitled") log.topic = text
		if (MOVES.has(kind)) {
			if (number > log.membersAt) move(log, kind, author, text)
			if (number > log.cameAt && this.isMe(author)) this.#moved(log, kind, text)
		}
	}

	#moved(log, kind, text) {
		if (kind === "left") this.remove(log.key)
		if (kind === "renamed") this.take(text)
	}

	// Be somebody else from now on.
	take(alias, inbox) {
		if (!isSame(alias, this.alias)) this.inbox = inbox
		this.alias = alias
	}

	// Learn a topic, or its beginning from the answer to "rooms".
	learnTopic(room, topic, isWhole) {
		const log = this.get(room)
		if (log && (isWhole || log.topic.slice(0, TOLD) !== topic)) log.topic = topic
	}

	// Learn from the answer to "who".
	learnMembers({room, number, count, members, away = {}}) {
		const log = this.get(room)
		if (!log) return
		const why = new Map(Object.entries(away))
		log.members = new Map(members.map((alias) => [keyOf(alias), {alias, away: why.get(alias)}]))
		log.count = count
		log.moves += 1
		log.membersAt = number
	}
}

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
	if (kind !== "left") {
		const alias = kind === "joined" ? author : text
		log.members.set(keyOf(alias), {alias})
	}
	log.count += log.members.size - before
}
