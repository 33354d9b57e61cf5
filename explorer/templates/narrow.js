// A page below the width at which everything stands beside everything: the network is a drawer that
// a button opens. It closes when a layer is chosen in it, at Escape, and when the user turns elsewhere.
document.addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement;
  const button = document.getElementById("show-network");
  const drawer = document.getElementById("network");
  const main = document.querySelector("main");
  const isOpen = () => root.dataset.network === "open";
  // The first element that matches, across shadow trees.
  const first = (node, what) => {
    const inside = node.shadowRoot ?? node;
    let found = inside.querySelector(what);
    for (const child of inside.querySelectorAll("*")) found ??= child.shadowRoot && first(child, what);
    return found;
  };
  const open = () => {
    root.dataset.network = "open";
    button.setAttribute("aria-expanded", "true");
    (first(drawer, "[data-layer][aria-selected=true]") ?? first(drawer, "select"))?.focus();
  };
  const close = (thenFocus) => {
    delete root.dataset.network;
    button.setAttribute("aria-expanded", "false");
    if (thenFocus) button.focus();
  };
  button.addEventListener("click", () => (isOpen() ? close(true) : open()));
  const isLayer = (event) => event.composedPath().some((node) => node.dataset?.layer !== undefined);
  drawer.addEventListener("click", (event) => { if (isOpen() && isLayer(event)) close(true); });
  drawer.addEventListener("keydown", (event) => {
    if (isOpen() && isLayer(event) && /^(Enter| )$/.test(event.key)) close(true);
  }, { capture: true }); // the layer keeps its keys to itself
  document.addEventListener("keydown", (event) => { if (isOpen() && event.key === "Escape") close(true); });
  const elsewhere = (event) => {
    const path = event.composedPath();
    if (isOpen() && !path.includes(drawer) && !path.includes(button)) close(false);
  };
  document.addEventListener("pointerdown", elsewhere);
  document.addEventListener("focusin", elsewhere);

  // Of many runs the one that is shown stays in sight.
  const here = document.querySelector("header [aria-current]");
  if (here) new ResizeObserver(() => here.scrollIntoView({ block: "nearest", inline: "center" })).observe(here.parentElement);
  // In a low window the header gives its room to the content, see page.css.
  const LEAST_PX = 80;
  main.addEventListener("scroll", () => {
    root.toggleAttribute("data-scrolled", main.scrollTop > ("scrolled" in root.dataset ? 0 : LEAST_PX));
  }, { passive: true });
}, { once: true });
