// Parts over the lines: the lists, where the window is narrow, and dialogs that are loaded when they are opened.

import {$, make} from "./dom.js"

const PARTS = {
	switcher: () => import("./switcher.js"),
	help: () => import("./help.js"),
	invite: () => import("./invite.js"),
	leave: () => import("./leave.js"),
	account: () => import("./account.js"),
	secret: () => import("./secret.js")
}
const KEYBOARD = 80 // pixels that a keyboard covers at least

let isLoading = false

export class Drawers {
	#opener = null

	constructor() {
		matchMedia("(max-width: 68.74em)").addEventListener("change", () => this.close())
		$("shade").addEventListener("click", () => this.close())
		globalThis.visualViewport?.addEventListener("resize", fit)
	}

	open(name, opener) {
		document.body.dataset.drawer = name
		this.#opener = opener
		this.#mark(true)
		const first = $(name).querySelector("[aria-current]") ?? $(name).querySelector("li a")
		first?.focus() // no field: a phone would show its keyboard
	}

	close() {
		if (!document.body.dataset.drawer) return
		delete document.body.dataset.drawer
		this.#mark(false)
		this.#opener.focus()
	}

	#mark(isOpen) {
		$("main").inert = isOpen
		this.#opener.setAttribute("aria-expanded", String(isOpen))
	}
}

// Open the dialog of a part; more: what it is told.
export async function openPart(view, name, ...more) {
	view.drawers.close()
	try {
		const {open} = await PARTS[name]()
		if (!document.querySelector("dialog[open]")) open(view, ...more)
	} catch {
		view.talk.notice(view.log, {
			text: "that part of the page cannot be loaded now: try again when you are connected",
			isRefusal: true
		})
	}
}

// Load the rest of the page, once the person has entered.
export async function loadRest(view) {
	if (isLoading) return
	isLoading = true
	document.body.append(make("link", {rel: "stylesheet", href: new URL("parts.css", import.meta.url).href}))
	try {
		const [{copyFrom}, {Notify}] = await Promise.all([import("./copy.js"), import("./notify.js")])
		copyFrom($("lines"))
		view.notify = new Notify($("notify"), (log) => view.open(log.key))
	} catch {
		isLoading = false // until the person enters again
	}
}

// Keep the input row above a keyboard that covers the page instead of making it smaller (iOS).
function fit() {
	const {height, scale} = visualViewport
	const isCovered = scale === 1 && innerHeight - height > KEYBOARD
	document.body.style.height = isCovered ? `${height}px` : ""
	if (isCovered) scrollTo(0, 0)
}
