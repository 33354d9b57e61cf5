// Heading of a card. It knows when the card is on screen, so that what nobody sees is not computed.
const NEAR = "300px";

// The card around a heading, once it is on the page.
function cardAround(el) {
  if (!el.isConnected) return null;
  const { host } = el.getRootNode();
  return host.parentElement ?? host.getRootNode().host;
}

export function render({ model, el }) {
  const title = element("h3", { text: model.title });
  const busy = element("span", { class: "busy no-snapshot", role: "status", hidden: "" });
  const button = element("button", {
    type: "button", class: "quiet no-snapshot", text: "PNG", title: "Save this picture at this step as PNG",
  });
  const caption = element("p", { text: model.caption });
  el.append(element("div", { class: "head" }, title, busy, element("span", { class: "fill" }), button), caption);

  const clock = clockOf(model.channel);
  const say = () => {
    title.textContent = model.title;
    caption.textContent = model.caption;
    caption.hidden = !model.caption;
    busy.hidden = !model.busy;
    button.disabled = model.busy;
    busy.textContent = model.busy ? "computing …" : "";
  };
  button.addEventListener("click", () => {
    const step = clock.label?.(clock.index) ?? `recorded step ${clock.index}`;
    const name = `${model.title} ${model.source} ${step}`.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").toLowerCase();
    save(snapshotOf(cardAround(el), `${model.source} · ${step}`), `${name}.png`);
  });
  const watcher = new IntersectionObserver((entries) => {
    const seen = entries.at(-1).isIntersecting;
    if (seen === model.seen) return;
    introduce(model);
    model.seen = seen;
  }, { root: document.querySelector("main"), rootMargin: NEAR }); // a margin counts where the page scrolls
  // The whole card: of a tall one the heading may be out of sight while the picture is not.
  let waiting = 0;
  const watch = () => {
    const card = cardAround(el);
    if (card) watcher.observe(card);
    else waiting = requestAnimationFrame(watch);
  };
  watch();
  model.on("remove", () => {
    cancelAnimationFrame(waiting);
    watcher.disconnect();
  });
  model.on(["title", "caption", "busy"], say);
  say();
}
