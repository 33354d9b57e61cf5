// Writes explorer/bundle/: each script of the explorer with all that it imports, in one file, so that
// Python reads one file and a user needs no Node.js. `--check` writes nothing, and fails where a file
// is not what its sources give.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

import { build } from "esbuild";

const FOLDER = "explorer/bundle/";
const WIDGETS = "explorer/widgets/";
const shared = `${WIDGETS}shared/`;
const components = readdirSync(WIDGETS, { recursive: true })
  .map((name) => WIDGETS + name)
  .filter((path) => path.endsWith(".js") && !path.startsWith(shared));

// A component is a module, for Panel; the others are scripts of a page.
const KINDS = [
  { entryPoints: components, format: "esm" },
  { entryPoints: ["explorer/replay/host.js", "explorer/export/stage.js"], format: "iife", banner: { js: '"use strict";' } },
];
const COMMON = { bundle: true, charset: "utf8", logLevel: "error", target: "es2022", tsconfigRaw: {}, write: false };

async function bundles() {
  const found = new Map();
  for (const { entryPoints, ...kind } of KINDS) {
    for (const path of entryPoints) {
      const { outputFiles: [made] } = await build({ ...COMMON, ...kind, entryPoints: [path], outfile: FOLDER + basename(path) });
      found.set(basename(path), made.text);
    }
  }
  return found;
}

const made = await bundles().catch(() => process.exit(1)); // esbuild has said what is wrong
mkdirSync(FOLDER, { recursive: true });
const old = new Map(readdirSync(FOLDER).map((name) => [name, readFileSync(FOLDER + name, "utf8")]));
const wrong = [...new Set([...made.keys(), ...old.keys()])].filter((name) => made.get(name) !== old.get(name));
if (process.argv.includes("--check")) {
  for (const name of wrong) console.error(`${FOLDER}${name} does not fit its sources: run make bundle.`);
  process.exitCode = wrong.length ? 1 : 0;
} else {
  for (const name of wrong) {
    if (made.has(name)) writeFileSync(FOLDER + name, made.get(name));
    else rmSync(FOLDER + name);
  }
}
