// A sentence on a stage, in place of what would be painted there: nothing, or a field of one colour.
import { element } from "./clock.js";
import { number } from "./paint.js";
/** @import { Codes, Model } from "../../types" */

/**
 * Says a text of a recorded step over the hidden `layers`; an empty one brings them back.
 *
 * @param {HTMLElement} stage
 * @param {HTMLElement[]} layers
 * @returns {(text: string, index: number) => void}
 */
export function messageOn(stage, layers) {
  const message = element("div", { class: "message", hidden: "" });
  stage.append(message);
  let said;
  return (text, index) => {
    if (text) message.dataset.index = index;
    if (text === said) return; // as at most steps
    said = text;
    message.textContent = text;
    message.hidden = !text;
    for (const layer of layers) layer.style.visibility = text ? "hidden" : "visible";
  };
}

/**
 * The code that all are, -1 if they are not one or there are less than two.
 *
 * @param {Codes} codes
 * @returns {number}
 */
export function codeOfAll(codes) {
  if (codes.length < 2) return -1;
  for (const code of codes) if (code !== codes[0]) return -1;
  return codes[0];
}

/**
 * What to say of a picture whose codes are all one. Colours tell values apart to a 254th of their
 * limits, and what lies beyond those has the colour of the end.
 *
 * @param {number} code
 * @param {{ low?: number, high?: number, still?: boolean, if_blank?: string, if_zero?: string } | Model} picture
 * @returns {string}
 */
export function saidOfAll(code, { low, high, still = false, if_blank: ifBlank = "", if_zero: ifZero = "" }) {
  const when = still ? "." : " at this step.";
  if (code === 0) return ifBlank || `No value is a number${when}`;
  const value = low + ((code - 1) / 254) * (high - low);
  if (Math.abs(value) <= (high - low) / 508) return ifZero || `All values are about 0${when}`;
  const [end, beyond] = code === 255 ? [high, " or more"] : [code === 1 ? low : value, code === 1 ? " or less" : ""];
  return `All values are about ${number(end)}${beyond}${when}`;
}
