// Copying out of the log: exactly the text that looks selected, each row and each paragraph on its own line.

const PARAGRAPH = "p, pre, div, li"

// Take over copying out of a list, and dragging text out of it.
export function copyFrom(list) {
	for (const type of ["copy", "dragstart"]) {
		document.addEventListener(type, (event) => {
			const data = event.clipboardData ?? event.dataTransfer
			const selection = getSelection()
			const isOurs = !event.target.closest?.("a, input, textarea") || type === "copy"
			if (
				!isOurs ||
				selection.isCollapsed ||
				!list.contains(selection.anchorNode) ||
				!list.contains(selection.focusNode)
			)
				return
			const ranges = Array.from({length: selection.rangeCount}, (_, index) => selection.getRangeAt(index))
			data.setData("text/plain", ranges.map((range) => textOf(list, range)).join("\n"))
			if (type === "copy") event.preventDefault()
		})
	}
}

function textOf(list, range) {
	const lines = []
	let last
	const walker = document.createTreeWalker(list, NodeFilter.SHOW_TEXT)
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		if (!range.intersectsNode(node) || node.parentElement.closest("button")) continue
		const text = within(node, range)
		const paragraph = node.parentElement.closest(PARAGRAPH)
		if (text && paragraph === last) lines.push(lines.pop() + text)
		else if (text) lines.push(text)
		if (text) last = paragraph
	}
	return lines.join("\n")
}

function within(node, {startContainer, startOffset, endContainer, endOffset}) {
	return node.data.slice(node === startContainer ? startOffset : 0, node === endContainer ? endOffset : undefined)
}
