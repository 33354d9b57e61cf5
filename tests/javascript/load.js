// Scripts of the explorer outside of a browser: what they declare, with stand-ins for what a page has.
import vm from "node:vm";

import { namesOf, PARTS, textOf } from "./parts.js";

const WIDGETS = "explorer/widgets/";

// Paths of what makes up a script, or a shared part with those in front of it.
function partsOf(name) {
  const shared = `${WIDGETS}shared/${name}.js`;
  const own = [...PARTS.keys()].find((path) => path === name || path.endsWith(`/${name}.js`));
  if (own) return [...PARTS.get(own), own];
  const parts = [...PARTS.values()].find((found) => found.includes(shared));
  return parts.slice(0, parts.indexOf(shared) + 1);
}

// Gives all that a widget's script or a shared part declares, and the parts in front of it too:
// `load("frame_grid").tileName`. `given` are globals of the page; its window is an EventTarget.
export function load(name, given = {}) {
  const page = { window: new EventTarget(), ...given };
  const text = partsOf(name).map(textOf).join("\n");
  const body = `"use strict";\n${text.replace(/^export /gm, "")}\nreturn { ${namesOf(text).join(", ")} };`;
  return vm.compileFunction(body, Object.keys(page), { filename: name })(...Object.values(page));
}
