// The explorer's scripts as Python puts them together: shared parts, then a script of its own.
// `script` in explorer/widgets/base.py does that; what it is called with is read from the modules.
import { readdirSync, readFileSync } from "node:fs";

const ROOT = new URL("../../", import.meta.url);
const SHARED = "explorer/widgets/shared/";
const KINDS = ["time", "pictures", "charts", "page"];
export const FOLDERS = ["explorer/widgets/", ...KINDS.map((kind) => `explorer/widgets/${kind}/`), "explorer/replay/", "explorer/export/"];
const CALL = /\bscript\("(\w+\.js)"((?:, (?:"\w+"|\*\w+))*)/g;
const TUPLE = /^([A-Z]+) = \(([^)]*)\)$/gm;
const DECLARED = /^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)/gm;

export const textOf = (path) => readFileSync(new URL(path, ROOT), "utf8");
const listed = (folder, ending) =>
  readdirSync(new URL(folder, ROOT)).filter((name) => name.endsWith(ending)).map((name) => folder + name);

// What a script gives those behind it.
export const namesOf = (text) => [...text.matchAll(DECLARED)].map(([, name]) => name);

export const SHARED_PARTS = listed(SHARED, ".js");

function partsByScript() {
  const found = new Map();
  const modules = FOLDERS.flatMap((folder) => listed(folder, ".py").map((path) => [folder, textOf(path)]));
  const tuples = new Map(modules.flatMap(([, text]) => [...text.matchAll(TUPLE)].map(([, name, held]) => [name, held])));
  for (const [folder, text] of modules) {
    for (const [, own, given] of text.matchAll(CALL)) {
      const whole = given.replace(/\*(\w+)/g, (_, name) => tuples.get(name));
      const names = ["clock", ...[...whole.matchAll(/"(\w+)"/g)].map(([, name]) => name)];
      found.set(folder + own, names.map((name) => `${SHARED}${name}.js`));
    }
  }
  return found;
}

// Paths of the parts in front of each script, by its path.
export const PARTS = partsByScript();

// Parts that are there wherever a shared one is, itself left out: before it or behind it.
export function alwaysWith(part) {
  const together = [...PARTS.values()].filter((parts) => parts.includes(part));
  return SHARED_PARTS.filter((other) => other !== part && together.every((parts) => parts.includes(other)));
}
