// Inviting people: a link that others can reach, and a code of it to scan.

import {dialog} from "./dialog.js"
import {make} from "./dom.js"

const LOCAL = /^(localhost|.*\.localhost|127\..*|\[::1\])$/

export async function open({log}) {
	const room = log.kind === "room" ? `#${encodeURIComponent(log.key)}` : ""
	const body = make("div", {})
	const node = dialog("invite", room ? `Invite people to #${log.label}` : "Invite people", body)
	const own = LOCAL.test(location.hostname) ? [] : [new URL(".", location.href).href]
	try {
		const {addresses} = await (await fetch("invite")).json()
		const urls = [...own, ...addresses]
		if (node.open) body.append(...(urls.length ? reachable(urls[0] + room) : unreachable()))
	} catch {
		body.append(
			...(own.length
				? reachable(own[0] + room)
				: [make("p", {}, "The server cannot be asked now: try again when you are connected.")])
		)
	}
	body.querySelector("input")?.select()
}

function reachable(link) {
	const field = make("input", {
		id: "invite-link",
		readonly: "",
		value: link,
		"aria-label": "The link",
		onfocus: () => field.select()
	})
	const said = make("p", {role: "status", class: "quiet-words"})
	const copy = async () => {
		field.select()
		try {
			await navigator.clipboard.writeText(link)
		} catch {
			document.execCommand("copy") // over plain http there is no other way
		}
		said.textContent = "copied"
	}
	const share =
		navigator.share &&
		make("button", {class: "plain", onclick: () => navigator.share({url: link}).catch(() => {})}, "Share ...")
	const code = make("img", {
		id: "invite-code",
		src: `invite.svg?url=${encodeURIComponent(link)}`,
		width: "240",
		height: "240",
		alt: `A QR code of the link ${link}`
	})
	return [
		make(
			"p",
			{},
			"People who open this link type an alias, and are in. It works where this server can be reached: on the same network, or everywhere if the server is public."
		),
		make("div", {class: "row"}, field, make("button", {class: "strong", onclick: copy}, "Copy")),
		share || "",
		said,
		code
	]
}

const unreachable = () => [
	make("p", {}, "Only this machine can reach the server now: it listens on 127.0.0.1."),
	make("p", {}, "To let your network in, start the server with:"),
	make("pre", {}, "twistd -n chat --listen tcp:59000 --web tcp:59080")
]
