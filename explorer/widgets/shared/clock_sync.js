// Speaks with Python for all that follow the model's clock: of the step at rest, one message in
// flight, the latest wins; and of what is selected, where Python answers with what holds. An answer
// that a later choice has overtaken is not taken.
import { clockOf, introduce } from "./clock.js";
import { cursorsOf } from "./cursors.js";
/** @import { Model } from "../../types" */

const REST_MS = 120;
const REST_WHILE_PLAYING_MS = 400;
const IN_FLIGHT_MS = 2000;

/**
 * @param {Model} model
 * @param {{ isPlaying?: () => boolean, onChoice?: () => void }} [page]
 * @returns {() => void}
 */
export function clockSyncOf(model, { isPlaying = () => false, onChoice = () => {} } = {}) {
  const clock = clockOf(model.channel);
  clock.families = new Map(Object.entries(model.families));
  const moveCursors = cursorsOf(model);
  let rest = 0;
  let inFlight = false;
  let sentAt = 0;
  let taking = false;
  const tellPython = () => {
    clearTimeout(rest);
    rest = setTimeout(() => {
      if (model.resting === clock.index) return;
      if (inFlight && performance.now() - sentAt < IN_FLIGHT_MS) return;
      inFlight = true;
      sentAt = performance.now();
      model.resting = clock.index;
    }, isPlaying() ? REST_WHILE_PLAYING_MS : REST_MS);
  };
  model.on("ack", () => {
    inFlight = false;
    if (model.resting !== clock.index) tellPython();
  });
  const onTick = () => {
    moveCursors(clock.index);
    tellPython();
  };
  const onChosen = () => {
    introduce(model);
    if (!taking) {
      model.choice = clock.choice;
      model.asked += 1;
    }
    onChoice();
  };
  const take = () => {
    if (model.answered !== model.asked) return;
    taking = true;
    clock.choose(model.choice);
    taking = false;
  };
  // The overtaken answer is in the place of what has been asked since.
  const onAnswered = () => {
    if (model.answered !== model.asked) model.choice = clock.choice;
    else take();
  };
  // A click on a curve (explorer.plots.style) asks for a recorded step.
  const onGoto = ({ detail }) => {
    if ((detail.channel ?? "main") === model.channel) clock.go(detail.index);
  };
  clock.addEventListener("tick", onTick);
  clock.addEventListener("choice", onChosen);
  model.on("choice", take);
  model.on("answered", onAnswered);
  window.addEventListener("trainlapse:goto", onGoto);
  model.on("remove", () => {
    clearTimeout(rest);
    clock.removeEventListener("tick", onTick);
    clock.removeEventListener("choice", onChosen);
    window.removeEventListener("trainlapse:goto", onGoto);
  });
  take();
  return tellPython;
}
