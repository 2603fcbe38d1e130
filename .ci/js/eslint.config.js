// What every script of the page is held to: the rules that eslint recommends, and a few against slips.
import js from "@eslint/js"
import globals from "globals"

export default [
	js.configs.recommended,
	{
		languageOptions: {ecmaVersion: 2023, sourceType: "module", globals: globals.browser},
		linterOptions: {reportUnusedDisableDirectives: "error"},
		rules: {
			eqeqeq: "error",
			"no-eval": "error",
			"no-implied-eval": "error",
			"no-unused-vars": [
				"error",
				{
					caughtErrors: "none",
					argsIgnorePattern: "^_",
					destructuredArrayIgnorePattern: "^_",
					ignoreRestSiblings: true
				}
			],
			"no-var": "error",
			"prefer-const": ["error", {destructuring: "all"}],
			"no-restricted-properties": ["error", {property: "innerHTML", message: "What people write is never markup."}]
		}
	},
	{files: ["**/sw.js"], languageOptions: {globals: globals.serviceworker}}
]
