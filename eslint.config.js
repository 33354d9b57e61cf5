// What `make lint-js` holds the scripts to, besides what the compiler finds (tsconfig.json).
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: [".venv*/", "build/", "dist/", "explorer/bundle/", "htmlcov/", "runs/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    rules: {
      "array-callback-return": "error",
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-duplicate-imports": "error",
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
  { files: ["*.js", ".ci/*.js", "tests/javascript/**/*.js"], languageOptions: { globals: globals.node } },
];
