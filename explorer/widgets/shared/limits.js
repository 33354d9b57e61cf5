// The button that says whether colours or axes have the limits of all steps, or those of this one.
import { element } from "./clock.js";

/**
 * Of what the limits are, as it is called in the middle of a sentence; what to do at a change.
 * @type {(what: string, changed: () => void) => {button: HTMLButtonElement, free: boolean}}
 */
export function limitsOf(what, changed) {
  const button = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: "quiet" }));
  const limits = { button, free: false };
  const name = () => {
    button.textContent = limits.free ? "limits: this step" : "limits: all steps";
    button.title = limits.free
      ? `The limits of the ${what} are those of this step alone. Click to compare steps.`
      : `The limits of the ${what} are the same at every step. Click to fit them to each step.`;
  };
  button.addEventListener("click", () => {
    limits.free = !limits.free;
    name();
    changed();
  });
  name();
  return limits;
}
