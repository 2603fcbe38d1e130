// Notifications, if the reader wants them. They need https or the server's own machine, and the reader's permission.

import {make} from "./dom.js"
import {addressOf} from "./side.js"

// Make the page installable, with a service worker: on a phone, only that may notify.
function install() {
	for (const [rel, href] of [
		["manifest", "app.webmanifest"],
		["apple-touch-icon", "icon-192.png"]
	])
		document.head.append(make("link", {rel, href}))
	navigator.serviceWorker?.register("sw.js", {updateViaCache: "none"}).catch(() => {}) // switched off
}

export class Notify {
	// open(log): show it
	constructor(button, open) {
		Object.assign(this, {button, open})
		button.hidden = typeof Notification !== "function" || !isSecureContext
		button.addEventListener("click", () => this.#ask())
		this.isWanted = false
		this.#show()
		install()
		navigator.serviceWorker?.addEventListener("message", ({data}) => (location.hash = data.address))
	}

	async #ask() {
		this.isWanted = !this.isWanted && (await Notification.requestPermission()) === "granted"
		this.#show()
	}

	#show() {
		this.button.setAttribute("aria-pressed", String(this.isWanted))
		this.button.title = `Notify me of private lines and lines that name me: ${this.isWanted ? "on" : "off"}`
	}

	// Notify the reader of a private line or a line that names them.
	async call(log, {author, text}) {
		if (!this.isWanted || document.hasFocus()) return
		const where = log.kind === "room" ? `${author} in ${log.label}` : author
		try {
			const shown = new Notification(where, {body: text, tag: log.key})
			shown.onclick = () => {
				window.focus()
				this.open(log)
				shown.close()
			}
		} catch {
			await this.#callByWorker(where, {body: text, tag: log.key, data: {address: addressOf(log)}})
		}
	}

	// A phone's browser has Notification, but not for pages.
	async #callByWorker(where, options) {
		try {
			const worker = await navigator.serviceWorker.getRegistration()
			await worker.showNotification(where, {icon: "icon-192.png", ...options})
		} catch {
			this.isWanted = false
			this.#show()
		}
	}
}
