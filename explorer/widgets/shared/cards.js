// The cards of the page: where each is, and how the page is scrolled to one.

// A card's height is known once it has been drawn, so the page is put in place again.
const SETTLE_MS = [0, 350, 1200];
const GAP_PX = 10;
// Beside another run a card's title begins with the run's letter.
const LETTER = /^[AB] · /;

export const page = () => document.querySelector("main") ?? document.scrollingElement;
export const top = () => document.querySelector(".bar")?.getBoundingClientRect().bottom ?? 0;

// Every card below a node: the elements around headings, through all shadow roots.
export function* cardsBelow(node) {
  for (const child of (node.shadowRoot ?? node).children ?? []) {
    if (child.matches(".head") && child.querySelector("h3")) {
      const host = child.getRootNode().host;
      const card = host?.parentElement ?? host?.getRootNode().host;
      if (card) yield { title: child.querySelector("h3").textContent, card };
    }
    yield* cardsBelow(child);
  }
}

// Scrolls the page to cards by their titles, until somebody else scrolls it.
export function cardScroller() {
  let timers = [];
  const settle = () => {
    timers.forEach(clearTimeout);
    timers = [];
  };
  const to = (title) => {
    settle();
    const main = page();
    let left = null;
    const move = () => {
      if (left !== null && Math.abs(main.scrollTop - left) > 2) return settle(); // somebody scrolled
      for (const { title: other, card } of cardsBelow(main)) {
        const box = card.getBoundingClientRect();
        if (![other, other.replace(LETTER, "")].includes(title) || !box.height) continue;
        main.scrollTop += box.top - top() - GAP_PX;
        break;
      }
      left = main.scrollTop;
    };
    timers = SETTLE_MS.map((wait) => setTimeout(move, wait));
  };
  return { to, settle };
}
