// Elements made of tags, attributes and text nodes: no text of a person is ever parsed as markup.

export const $ = (id) => document.getElementById(id)

// Attributes that are undefined or false are left out; "onclick" and the like are listeners.
export function make(tag, attributes = {}, ...children) {
	const node = document.createElement(tag)
	for (const [name, value] of Object.entries(attributes)) {
		if (value === undefined || value === false) continue
		if (typeof value === "function") node.addEventListener(name.slice(2), value)
		else node.setAttribute(name, value)
	}
	node.append(...children.filter(Boolean)) // false and "" stand for nothing
	return node
}

// Lines drawn in a square of 24.
const DRAWINGS = {
	rooms: "M4 6h16M4 12h16M4 18h10",
	search: "M11 4a7 7 0 1 0 0 14a7 7 0 1 0 0-14M16 16l5 5",
	people: "M9 5a3 3 0 1 0 0 7a3 3 0 1 0 0-7M3 20c0-8 12-8 12 0M16 5a3 3 0 0 1 0 7M18 15c2 1 3 3 3 5",
	bell: "M6 17V11a6 6 0 0 1 12 0v6l2 1H4zM10 21h4",
	send: "M4 12l16-8l-5 16l-3-7zM12 13l8-9",
	close: "M6 6l12 12M18 6L6 18",
	leave: "M14 4H5v16h9M10 12h11M17 8l4 4l-4 4",
	switch: "M4 8h15l-4-4M20 16H5l4 4",
	invite: "M9 5a3 3 0 1 0 0 7a3 3 0 1 0 0-7M3 20c0-8 12-8 12 0M18 6v8M14 10h8",
	help: "M9 9a3 3 0 1 1 4 3c-1 .4-1 1-1 2M12 17.5v.5M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18",
	copy: "M9 9h11v11H9zM15 9V4H4v11h5",
	down: "M12 5v14M6 13l6 6l6-6"
}

export function icon(name) {
	const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag))
	svg.setAttribute("viewBox", "0 0 24 24")
	svg.setAttribute("aria-hidden", "true")
	path.setAttribute("d", DRAWINGS[name])
	svg.append(path)
	return svg
}

// Give a list the wanted nodes, in their order, and touch no more nodes than necessary.
export function arrange(list, wanted) {
	wanted.forEach((node, index) => {
		if (list.childNodes[index] !== node) list.insertBefore(node, list.childNodes[index] || null)
	})
	while (list.childNodes.length > wanted.length) list.lastChild.remove()
}
