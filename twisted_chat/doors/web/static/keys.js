// Keys for the whole page: those of an input method, and letters that are typed while no field has the focus.

// Keys of a composition (Japanese, Chinese, Korean) do nothing else: an Enter that ends a composition sends nothing.
// Safari reports that Enter after the composition, with the keyCode of a key that an input method has taken (UI Events, 7.1).
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

// Send text that is typed or pasted outside any field to this field, while isOpen().
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
