// A dialog that is made when it opens, and removed when it closes: by Escape, its button, or a click beside it.

import {icon, make} from "./dom.js"

export function dialog(name, title, ...content) {
	const close = make("button", {class: "icon close", "aria-label": "Close", onclick: () => node.close()}, icon("close"))
	const head = make("div", {class: "top"}, make("h2", {id: `${name}-title`}, title), close)
	const node = make("dialog", {id: name, class: "part", "aria-labelledby": `${name}-title`}, head, ...content)
	node.addEventListener("click", ({target}) => target === node && node.close())
	node.addEventListener("close", () => node.remove())
	document.body.append(node)
	node.showModal()
	const first = node.querySelector("[data-first]")
	first?.focus()
	return node
}
