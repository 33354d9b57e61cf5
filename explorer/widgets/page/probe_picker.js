// The fixed inputs: thumbnails of images, or sentences. The mark of each says whether the network
// is right about it at the step on screen.
import { clockOf, element, follow, heed } from "../shared/clock.js";
/** @import { Component } from "../../types" */

const PARAMETERS = ["kind", "images", "texts", "ids", "labels", "class_names", "predicted", "correct"];
const RIGHT = 1;
const WRONG = 0;

function drawImage(canvas, data, at, height, width, channels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const from = at + pixel * channels;
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * pixel + channel] = data[from + Math.min(channel, channels - 1)];
    }
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** @param {Component} component */
export function render({ model, el }) {
  const list = element("div", { class: `picker ${model.kind}`, role: "listbox", "aria-label": "Probe inputs" });
  const score = element("div", { class: "score" });
  el.append(score, list);
  let items = [];
  let told = []; // what each item says
  /** @type {Record<string, any>} */
  let its = {}; // the parameters: those of the model are slow to read

  const build = () => {
    list.replaceChildren();
    told = [];
    const { images } = its;
    items = its.labels.map((label, probe) => {
      const item = element("button", { type: "button", class: "probe", role: "option", "data-probe": probe });
      if (images?.shape) {
        const [, height, width, channels] = images.shape;
        const canvas = element("canvas", { width, height });
        const data = new Uint8Array(images.buffer, images.byteOffset, images.length);
        drawImage(canvas, data, probe * height * width * channels, height, width, channels);
        item.append(canvas, element("span", { class: "truth", text: label }));
      } else {
        item.append(
          element("span", { class: "text", text: its.texts[probe] ?? `probe ${its.ids?.[probe] ?? probe}` }),
          element("span", { class: "truth", text: label }),
        );
      }
      item.append(element("span", { class: "guess" }));
      item.addEventListener("click", () => clock.choose({ probe }));
      list.append(item);
      return item;
    });
    select();
  };
  // Within the list alone: the page stays where it is.
  const bringIntoView = (item) => {
    const top = item.offsetTop - list.offsetTop;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + item.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top + item.offsetHeight - list.clientHeight;
  };
  const select = () => items.forEach((item, probe) => {
    item.setAttribute("aria-selected", probe === clock.choice.probe);
    if (probe === clock.choice.probe) bringIntoView(item);
  });
  // Most of them say at a step what they said at the one before.
  const tell = (probe, mark, guess) => {
    const says = `${mark} ${guess}`;
    if (told[probe] === says) return;
    told[probe] = says;
    items[probe].dataset.mark = mark === RIGHT ? "right" : mark === WRONG ? "wrong" : "";
    items[probe].title = `probe ${its.ids?.[probe] ?? probe}: ${its.labels[probe]}, the network says ${guess}`;
    const said = its.kind === "image" ? guess : `network: ${guess}`;
    items[probe].querySelector(".guess").textContent = mark === WRONG ? said : "";
  };
  const draw = (index) => {
    const { correct, predicted } = its;
    if (!correct?.shape) {
      score.textContent = "";
      return;
    }
    const count = correct.shape[1];
    let right = 0;
    let known = 0;
    for (let probe = 0; probe < count && probe < items.length; probe++) {
      const mark = correct[index * count + probe];
      const guess = its.class_names[predicted[index * count + probe]] ?? "";
      if (mark === RIGHT) right += 1;
      if (mark === RIGHT || mark === WRONG) known += 1;
      tell(probe, mark, guess);
    }
    score.textContent = known ? `${right} of ${count} right at this step` : "";
  };
  const read = () => { its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]])); };
  const clock = clockOf(model.channel);
  read();
  build();
  model.on(PARAMETERS, read);
  model.on(["labels", "images"], build);
  heed(model, "choice", select);
  follow(model, el, draw);
  model.on(["correct", "predicted"], () => draw(clock.index));
}
