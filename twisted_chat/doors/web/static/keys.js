// Keys that concern the whole page: those of an input method, and letters that are typed while nothing takes them.

// Keys that belong to a composition (Japanese, Chinese, Korean) are nothing but that: an Enter that ends one sends nothing.
// Safari tells of that Enter after the composition; its keyCode is what an input method has taken (UI Events, 7.1).
const TAKEN = 229

addEventListener(
	"keydown",
	(event) => {
		if (!event.isComposing && event.keyCode !== TAKEN) return
		event.stopImmediatePropagation()
		if (event.key === "Enter" && event.target.matches?.("input")) event.preventDefault() // it would send the form
	},
	true
)

const TAKES_LETTERS = "input, textarea, select, dialog, [contenteditable]"

// Let what is typed or pasted where nothing takes it go to a field, as long as isOpen().
export function typeInto(field, isOpen) {
	const isFree = ({target, defaultPrevented}) => !defaultPrevented && isOpen() && !target.closest?.(TAKES_LETTERS)
	document.addEventListener("keydown", (event) => {
		const {key, ctrlKey, metaKey, altKey} = event
		const isShortcut = metaKey || ((ctrlKey || altKey) && !event.getModifierState("AltGraph"))
		if ([...key].length === 1 && key !== " " && !isShortcut && isFree(event)) field.focus({preventScroll: true})
	})
	document.addEventListener("paste", (event) => {
		const text = event.clipboardData?.getData("text/plain")
		if (!text || !isFree(event)) return
		event.preventDefault()
		field.focus({preventScroll: true})
		document.execCommand("insertText", false, text)
	})
}
