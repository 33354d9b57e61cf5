// Paints the bands of a text at one step; see bands.js.
import { ALL, EVIDENCE, HEAD, LEFT, RIGHT, ROW, shortNumber, signedCode } from "./bands.js";
import { clamp } from "./numbers.js";
import { FONT, cut, readOff, themed, write } from "./paint.js";
/** @import { Clock, Pen } from "../../types" */

const WIDE = 220; // bars of bands without places
export const TILT = -Math.PI / 3;

/**
 * `now` holds what is on screen and where: its (parameters), colours, place, shown (payload), parts,
 * scale, buttons; scrolled() tells how far. It may change between two paintings.
 *
 * @param {HTMLElement} el
 * @param {Clock} clock
 * @param {Record<string, any>} now
 */
export function bandPainter(el, clock, now) {
  const named = (band, unit) => (/class/.test(band.kind) ? now.its.class_names[unit] ?? String(unit) : String(unit));
  const target = () => `“${now.its.class_names[now.shown.target] ?? now.shown.target}”`;
  const start = () => LEFT - now.scrolled() + (now.its.padding_first ? now.place.gutter : 0);
  const xOf = (token) => start() + token * now.place.wide;
  const paddingX = () => (now.its.padding_first ? LEFT - now.scrolled() : xOf(now.its.words.length));
  const spanOf = (band, at) => {
    const last = at === band.ranges.length / 2;
    if (last) return [paddingX() + 4, now.place.gutter - 4];
    const [from, to] = [band.ranges[2 * at], band.ranges[2 * at + 1]];
    return [xOf(from), (to - from) * now.place.wide];
  };

  const withinText = (pen, paint) => {
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, now.place.end - LEFT, now.place.height);
    pen.clip();
    paint();
    pen.restore();
  };
  /** @type {(pen: Pen, text: string, x: number, y: number, look?: { colour?: string, align?: CanvasTextAlign, bold?: boolean, most?: number }) => void} */
  const put = (pen, text, x, y, { colour = "text", align = "left", bold = false, most } = {}) => {
    pen.font = bold ? `600 ${FONT}` : FONT;
    pen.fillStyle = themed(el, colour);
    pen.textAlign = align;
    write(pen, text, x, y, most);
    pen.textAlign = "left";
  };
  const paintWords = (pen) => {
    const hovered = clock.hovered[now.its.x_name];
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, now.place.width - LEFT, now.place.top);
    pen.clip();
    now.place.words.forEach((word, token) => {
      const x = xOf(token) + now.place.wide / 2;
      if (x < LEFT || x > now.place.end) return;
      const look = { bold: token === hovered, colour: token === hovered ? "select" : "text" };
      if (now.place.level) return put(pen, word, x, now.place.top - 10, { ...look, align: "center" });
      pen.save();
      pen.translate(x + 2, now.place.top - 6);
      pen.rotate(TILT);
      put(pen, word, 0, 0, look);
      pen.restore();
    });
    if (now.its.padding) put(pen, "∅", paddingX() + 2 + now.place.gutter / 2, now.place.top - 10, { colour: "muted", align: "center" });
    pen.restore();
    // On a ground of its own: tilted words may reach over it.
    pen.fillStyle = themed(el, "card");
    pen.fillRect(now.place.right, now.place.top - 32, RIGHT, 32);
    put(pen, "adds to", now.place.right, now.place.top - 23, { colour: "muted" });
    put(pen, cut(target(), 17), now.place.right, now.place.top - 9, { bold: true, most: RIGHT - 12 });
  };
  const cells = (pen, band, codes, palette, y, height) => {
    const count = band.ranges.length / 2 + (now.its.padding ? 1 : 0);
    const line = now.place.wide > 5 ? 1 : 0;
    for (let at = 0; at < count; at++) {
      const [x, wide] = spanOf(band, at);
      if (x + wide < LEFT || x > now.place.end || !codes[at]) continue;
      pen.fillStyle = palette[codes[at]];
      pen.fillRect(x, y, wide - line, height);
    }
  };
  const ground = (pen, y, height) => {
    pen.fillStyle = themed(el, "quiet");
    pen.fillRect(xOf(0), y, now.its.words.length * now.place.wide - 1, height);
  };
  const paintEvidence = (pen) => {
    const band = now.its.bands[0];
    const own = now.parts[0];
    const middle = now.place.top + EVIDENCE / 2;
    put(pen, "evidence", 12, middle - 6, { bold: true });
    if (!own?.all) return;
    put(pen, `bars to ±${shortNumber(now.scale[0].most)}`, 12, middle + 8, { colour: "muted" });
    withinText(pen, () => {
      pen.fillStyle = themed(el, "line");
      pen.fillRect(LEFT, middle, now.place.end - LEFT, 1);
      own.all.forEach((value, at) => {
        if (Number.isNaN(value) || (at === own.all.length - 1 && !now.its.padding)) return;
        const [x, wide] = spanOf(band, at);
        const share = clamp(value / now.scale[0].most, -1, 1);
        pen.fillStyle = share > 0 ? now.colours.pro : now.colours.contra;
        const tall = share * (EVIDENCE / 2 - 1);
        pen.fillRect(x + 1, tall > 0 ? middle - tall : middle + 1, Math.max(1, wide - 2), Math.abs(tall));
      });
    });
    put(pen, shortNumber(now.shown.totals[0], "+"), now.place.right + 58, middle, { bold: true });
    put(pen, "all words".replace("words", `${now.its.noun}s`), now.place.right, middle, { colour: "muted", most: 54 });
  };
  const scaleBar = (pen, palette, [least, most], low, high, y, end, label) => {
    const bar = 56;
    put(pen, high, end, y, { colour: "muted", align: "right" });
    const after = end - pen.measureText(high).width - 5;
    for (let at = 0; at < bar; at++) {
      pen.fillStyle = palette[Math.round(least + ((most - least) * at) / (bar - 1))];
      pen.fillRect(after - bar + at, y - 4, 1, 8);
    }
    put(pen, low, after - bar - 5, y, { colour: "muted", align: "right" });
    const before = after - bar - 5 - pen.measureText(low).width - 7;
    if (label) put(pen, label, before, y, { colour: "muted", align: "right" });
    return before - (label ? pen.measureText(label).width + 8 : 0);
  };
  const detailOf = (band) => {
    const what = /class/.test(band.kind) ? "classes" : "units";
    const seen = band.ranges && band.sees > 1 ? `a place sees ${band.sees} ${now.its.noun}s` : "";
    const after = band.after ? `after ${band.after}` : "";
    return [`${band.count} ${what}`, after, seen, band.keeps ? `▾ the ${now.its.noun} kept` : ""].filter(Boolean).join(" · ");
  };
  const paintHead = (pen, { at, y }) => {
    const band = now.its.bands[at];
    const middle = y + HEAD / 2;
    pen.fillStyle = band.colour;
    pen.beginPath();
    pen.arc(4, middle - 1, 4, 0, 7);
    pen.fill();
    put(pen, band.title, 12, middle, { bold: true });
    let x = 22 + pen.measureText(band.title).width;
    const button = now.buttons.find((one) => one.dataset.band === String(at));
    if (button) x += button.offsetWidth + 10;
    let end = now.place.right + RIGHT - 14;
    const shownAs = { pooled: "adds", states: band.quantities[0]?.title, "class places": "probability" }[band.kind] ?? "output";
    if (band.ranges) {
      const [low, high] = now.scale[at].ranges[0].map((code) => readOff(code, band.quantities[0], shortNumber));
      end = scaleBar(pen, now.scale[at].palettes[0], now.scale[at].ranges[0], low, high, middle, end, shownAs);
    }
    if (end - x > 40) put(pen, detailOf(band), x, middle, { colour: "muted", most: end - x });
  };
  const paintAll = (pen, { at, y }) => {
    const band = now.its.bands[at];
    put(pen, `all ${band.count} add`, LEFT - 8, y + ALL / 2, { colour: "muted", align: "right" });
    withinText(pen, () => {
      ground(pen, y + 2, ALL - 4);
      const codes = Uint8Array.from(now.parts[at].all, (value) => signedCode(value, now.scale[at].most));
      cells(pen, band, codes, now.colours.diverging, y + 2, ALL - 4);
    });
    put(pen, shortNumber(now.shown.totals[at], "+"), now.place.right + 58, y + ALL / 2, { colour: "muted" });
  };
  const paintAdds = (pen, most, value, y, height) => {
    const zero = now.place.right + 27;
    const share = clamp(value / most, -1, 1);
    pen.fillStyle = themed(el, "line");
    pen.fillRect(zero, y, 1, height);
    if (Number.isFinite(share)) {
      pen.fillStyle = share > 0 ? now.colours.pro : now.colours.contra;
      pen.fillRect(share > 0 ? zero + 1 : zero + share * 26, y + 2, Math.abs(share) * 26, height - 4);
    }
    put(pen, shortNumber(value, "+"), now.place.right + 58, y + height / 2);
  };
  const paintBar = (pen, band, value, y, isTarget) => {
    const { low, high } = band.quantities[0];
    const zero = LEFT + clamp(-low / (high - low)) * WIDE;
    const tip = LEFT + clamp((value - low) / (high - low)) * WIDE;
    pen.fillStyle = themed(el, "quiet");
    pen.fillRect(LEFT, y + 2, WIDE, ROW - 4);
    pen.fillStyle = themed(el, isTarget ? "select" : "muted");
    if (Number.isFinite(tip)) pen.fillRect(Math.min(zero, tip), y + 2, Math.max(1, Math.abs(tip - zero)), ROW - 4);
    const text = band.kind === "classes" && Number.isFinite(value) ? `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)} %` : shortNumber(value);
    put(pen, text, LEFT + WIDE + 7, y + ROW / 2, { bold: isTarget });
  };
  const paintRow = (pen, line) => {
    const { at, row, y, quantity, kind } = line;
    const band = now.its.bands[at];
    const own = now.parts[at];
    const unit = own.units[row];
    const isClass = /class/.test(band.kind);
    const isTarget = isClass && unit === now.shown.target;
    const chosen = !isClass && unit === clock.choice.unit && band.members.includes(clock.choice.layer);
    const height = line.height - (kind === "inner" ? 0 : 1);
    const look = { bold: chosen || isTarget, colour: chosen ? "select" : kind === "inner" ? "muted" : "text" };
    const middle = y + height / 2 + 0.5;
    const ends = now.scale[at].ranges[quantity]?.map((code) => readOff(code, band.quantities[quantity], shortNumber));
    if (kind === "inner") {
      put(pen, String(unit), LEFT - 8, middle, { ...look, align: "right" });
      if (row === 0) put(pen, band.quantities[quantity].title, 12, middle, { colour: "muted" });
      if (row === 1) put(pen, ends.join(" … "), 12, middle, { colour: "muted" });
    } else {
      put(pen, isClass ? cut(named(band, unit), 16) : `unit ${unit}`, 12, middle, { ...look, most: LEFT - 24 });
    }
    if (band.kind === "pooled") put(pen, shortNumber(own.values[row]), LEFT - 8, middle, { colour: "muted", align: "right" });
    if (!band.ranges) paintBar(pen, band, own.values[row], y, isTarget);
    else {
      const places = band.ranges.length / 2 + 1;
      const codes = own.quantities[quantity].subarray(row * places, (row + 1) * places);
      withinText(pen, () => {
        ground(pen, y, height);
        cells(pen, band, codes, now.scale[at].palettes[quantity], y, height);
        if (own.kept) paintKept(pen, own.kept.subarray(row * (places - 1), (row + 1) * (places - 1)), y, height);
      });
    }
    if (!isClass && kind === "row") paintAdds(pen, now.scale[at].bar, own.adds[row], y, height);
    if (chosen || isHovered(line)) {
      pen.strokeStyle = themed(el, chosen ? "select" : "muted");
      pen.lineWidth = kind === "inner" ? 1 : 1.5;
      pen.strokeRect(8, y - 0.5, now.place.right - 14, height + 1);
    }
  };
  // Which token of its window each value was taken from.
  const paintKept = (pen, kept, y, height) => {
    kept.forEach((token) => {
      if (Number.isNaN(token)) return;
      const x = start() + token * now.place.wide;
      pen.fillStyle = "#fff";
      pen.strokeStyle = "#111";
      pen.lineWidth = 0.7;
      pen.beginPath();
      pen.moveTo(x - 3.5, y + height - 8);
      pen.lineTo(x + 3.5, y + height - 8);
      pen.lineTo(x, y + height - 3);
      pen.closePath();
      pen.fill();
      pen.stroke();
    });
  };
  const isHovered = ({ at, row, kind }) => {
    const { layer, unit } = clock.hovered;
    return kind === "row" && now.its.bands[at].members.includes(layer) && now.parts[at].units[row] === unit;
  };
  const paintColumn = (pen) => {
    const token = clock.hovered[now.its.x_name];
    if (!(token >= 0 && token < now.its.words.length)) return;
    withinText(pen, () => {
      pen.strokeStyle = themed(el, "text");
      pen.lineWidth = 1;
      pen.strokeRect(Math.round(xOf(token)) - 0.5, now.place.top + 0.5, Math.round(now.place.wide), now.place.bottom - now.place.top - 1);
    });
  };
  const paint = (pen) => {
    pen.textBaseline = "middle";
    paintWords(pen);
    paintEvidence(pen);
    for (const line of now.place.lines) {
      if (line.kind === "head") paintHead(pen, line);
      else if (line.kind === "all") paintAll(pen, line);
      else paintRow(pen, line);
    }
    paintColumn(pen);
  };
  return { paint, start, named };
}
