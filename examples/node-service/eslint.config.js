import js from "@eslint/js";

export default [
  { ignores: ["evidence/", "*.mjs", "load.js"] },
  js.configs.recommended,
  {
    languageOptions: { globals: { URL: "readonly", fetch: "readonly", process: "readonly", setTimeout: "readonly" } },
    rules: { eqeqeq: "error", "no-eval": "error" },
  },
];
