// Notifications, where they were asked for. They need https or the machine itself, and the reader's leave.

export class Notify {
	// open(log): show it
	constructor(button, open) {
		Object.assign(this, { button, open })
		button.hidden = typeof Notification !== "function" || !isSecureContext
		button.addEventListener("click", () => this.#ask())
		this.isWanted = false
		this.#show()
	}

	async #ask() {
		this.isWanted = !this.isWanted && (await Notification.requestPermission()) === "granted"
		this.#show()
	}

	#show() {
		this.button.setAttribute("aria-pressed", String(this.isWanted))
		this.button.title = `Notify me of what names me or is to me alone: ${this.isWanted ? "on" : "off"}`
	}

	// Tell of a line that names the reader or is to them alone.
	call(log, { author, text }) {
		if (!this.isWanted || document.hasFocus()) return
		const where = log.kind === "room" ? `${author} in ${log.label}` : author
		try {
			const shown = new Notification(where, { body: text, tag: log.key })
			shown.onclick = () => {
				window.focus()
				this.open(log)
				shown.close()
			}
		} catch {
			this.isWanted = false // a phone's browser has it, and refuses it to a page
			this.#show()
		}
	}
}
