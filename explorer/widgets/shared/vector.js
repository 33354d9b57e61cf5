// A card as an SVG file: texts stay texts and lines stay lines, pictures keep their own pixels.
// Bokeh has a pen that writes SVG for what is drawn on a canvas; figures and widgets draw with it.
import { themed } from "./paint.js";
import { MARGIN, childrenOf, drawTree } from "./snapshot.js";

/**
 * Its parts of a font, as SVG names them: Bokeh knows no weight such as 650.
 *
 * @param {string} font
 */
export function fontParts(font) {
  const [, look, size, family] = /^(.*?)([\d.]+(?:px|pt|em|rem|%))(?:\/\S+)?\s+(.*)$/.exec(font) ?? ["", "", "10px", "sans-serif"];
  const weight = /\b(bold|lighter|bolder|\d+)\b/.exec(look)?.[1] ?? "normal";
  return { style: /italic|oblique/.exec(look)?.[0] ?? "normal", weight, size, family, decoration: "none" };
}

// That pen, but pictures keep their resolution, and a clip stays within the one around it.
function vectorPen(width, height, paper) {
  const { SVGRenderingContext2D } = Bokeh.require("core/util/svg");
  const pen = new SVGRenderingContext2D({ width, height });
  const { clip, drawImage } = pen;
  pen.__parseFont = () => fontParts(pen.font);
  pen.clip = (...rule) => {
    const outer = pen._clip_path;
    clip.apply(pen, rule);
    if (outer) pen.get_svg().querySelector("defs").lastChild.setAttribute("clip-path", outer);
  };
  pen.drawImage = (image, ...places) => {
    if (!(image instanceof HTMLCanvasElement) || places.length === 2) return drawImage.call(pen, image, ...places);
    const [sx, sy, wide, tall, x, y, dx, dy] =
      places.length === 4 ? [0, 0, image.width, image.height, ...places] : places;
    const part = Object.assign(document.createElement("canvas"), { width: wide, height: tall });
    part.getContext("2d").drawImage(image, sx, sy, wide, tall, 0, 0, wide, tall);
    const group = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const made = document.createElementNS(group.namespaceURI, "image");
    const look = { width: dx, height: dy, href: part.toDataURL(), preserveAspectRatio: "none", style: "image-rendering:pixelated" };
    for (const [name, value] of Object.entries(look)) made.setAttribute(name, value);
    group.setAttribute("width", dx);
    group.setAttribute("height", dy);
    group.append(made);
    drawImage.call(pen, group, x, y);
  };
  // What is wiped is the card's paper again; a sheet that is all wiped is empty.
  pen.clearRect = (x, y, wide, tall) => {
    if (!pen.drawn) return;
    pen.save();
    Object.assign(pen, { fillStyle: paper, globalAlpha: 1 });
    pen.fillRect(x, y, wide, tall);
    pen.restore();
  };
  for (const name of ["fillText", "fill", "stroke", "drawImage"]) {
    const draw = pen[name];
    pen[name] = (...given) => {
      pen.drawn = true;
      return draw.apply(pen, given);
    };
  }
  return pen;
}

// What widgets draw on canvases, as SVG by canvas: they repaint for the theme, here with our pens.
function repainted(canvases, paper) {
  const pens = new Map();
  let sound = true;
  const fail = (event) => {
    sound = false;
    event.preventDefault();
  };
  window.addEventListener("error", fail);
  for (const canvas of canvases) {
    const pen = vectorPen(canvas.width, canvas.height, paper);
    const own = canvas.getContext("2d");
    for (const name of ["createImageData", "putImageData", "getImageData"]) pen[name] = own[name].bind(own);
    canvas.getContext = () => pen;
    pens.set(canvas, pen);
  }
  window.dispatchEvent(new Event("trainlapse:theme"));
  for (const canvas of canvases) delete canvas.getContext;
  window.removeEventListener("error", fail);
  window.dispatchEvent(new Event("trainlapse:theme"));
  return new Map([...pens].filter(([, pen]) => sound && pen.drawn).map(([canvas, pen]) => [canvas, pen.get_svg()]));
}

// The figure of which a canvas is a layer.
function figureOf(canvas) {
  const layers = ({ canvas_view }) => [canvas_view.primary?.canvas, canvas_view.overlays?.canvas];
  for (const figure of Bokeh.index.query((view) => view.canvas_view && view.export)) {
    const layer = layers(figure).indexOf(canvas);
    if (layer >= 0) return { figure, first: layer === 0 };
  }
  return null;
}

// A figure as SVG. What the graphics card would draw, which gives pixels, is drawn by the pen too;
// its legend is an element of the page, and drawn as one.
function figureVector(figure) {
  const glyphs = [...figure.views.query((view) => view.glglyph)];
  const legends = [...figure.views.query((view) => view.model.type === "Legend")];
  for (const glyph of glyphs) glyph.has_webgl = () => false;
  for (const legend of legends) legend.paint = () => {};
  const svg = figure.export("svg", false).canvas;
  for (const glyph of glyphs) delete glyph.has_webgl;
  for (const legend of legends) delete legend.paint;
  return svg;
}

function* canvasesIn(node) {
  if (node.localName === "canvas" && node.width && node.height) yield node;
  for (const child of childrenOf(node)) if (child.nodeType === Node.ELEMENT_NODE) yield* canvasesIn(child);
}

/**
 * @param {Element} card
 * @param {string} footer
 * @returns {string}
 */
export function vectorOf(card, footer) {
  const box = card.getBoundingClientRect();
  const paper = themed(card, "card");
  const [width, height] = [box.width + 2 * MARGIN, box.height + 2 * MARGIN + 14];
  const pen = vectorPen(width, height, paper);
  const figures = new Map([...canvasesIn(card)].map((canvas) => [canvas, figureOf(canvas)]));
  const drawn = repainted([...figures.keys()].filter((canvas) => !figures.get(canvas)), paper);
  const { drawImage } = pen;
  pen.drawImage = (canvas, x, y, wide, tall) => {
    const { figure, first } = figures.get(canvas) ?? {};
    if (figure) {
      if (first) drawImage(figureVector(figure), x, y);
    } else if (drawn.has(canvas)) {
      pen.save();
      pen.translate(x, y);
      pen.scale(wide / canvas.width, tall / canvas.height);
      drawImage(drawn.get(canvas), 0, 0);
      pen.restore();
    } else drawImage(canvas, x, y, wide, tall);
  };
  pen.fillStyle = paper;
  pen.fillRect(0, 0, width, height);
  drawTree(pen, card, { left: box.left - MARGIN, top: box.top - MARGIN });
  pen.fillStyle = themed(card, "muted");
  pen.font = "11px system-ui, sans-serif";
  pen.fillText(footer, 2 * MARGIN, box.height + 2 * MARGIN);
  const svg = pen.get_svg();
  for (const path of svg.querySelectorAll("path:not([d])")) path.remove(); // begun, never drawn
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  // Names come from the run, and XML has no place for control characters.
  // eslint-disable-next-line no-control-regex -- they are meant
  return new XMLSerializer().serializeToString(svg).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
}
