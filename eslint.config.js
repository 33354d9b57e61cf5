// What `make lint-js` holds the scripts to. Those of the explorer are put together by Python, so that
// each may use what the parts in front of it give, and nothing else.
import js from "@eslint/js";
import globals from "globals";

import { alwaysWith, namesOf, PARTS, SHARED_PARTS, textOf } from "./tests/javascript/parts.js";

const given = (parts) =>
  Object.fromEntries(parts.flatMap((part) => namesOf(textOf(part)).map((name) => [name, "readonly"])));

const scripts = [...PARTS].map(([path, parts]) => ({
  files: [path],
  languageOptions: { globals: given(parts) },
}));
const shared = SHARED_PARTS.map((path) => ({
  files: [path],
  languageOptions: { globals: given(alwaysWith(path)) },
}));
// What these give is used by others, and by Python.
const GIVING = ["explorer/widgets/shared/*.js", "explorer/export/stage.js"];

export default [
  { ignores: [".venv/", "build/", "dist/", "htmlcov/", "runs/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    rules: {
      "array-callback-return": "error",
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-self-compare": "error",
      "no-template-curly-in-string": "error",
      "no-unreachable-loop": "error",
      "no-unused-expressions": "error",
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  // Tests bring these into a page.
  { files: ["explorer/**/*.js", "tests/e2e/*.js"], languageOptions: { globals: { ...globals.browser, Bokeh: "readonly" } } },
  { files: ["explorer/templates/*.js"], languageOptions: { sourceType: "script" } },
  // Its components are put in front of it, see explorer/replay/page.py.
  { files: ["explorer/replay/host.js"], languageOptions: { globals: { components: "readonly" } } },
  ...scripts,
  ...shared,
  { files: GIVING, languageOptions: { sourceType: "script" }, rules: { "no-unused-vars": ["error", { vars: "local" }] } },
  { files: ["*.js", "tests/javascript/**/*.js"], languageOptions: { globals: globals.node } },
];
