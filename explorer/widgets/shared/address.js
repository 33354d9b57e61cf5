// Keeps the page's address up to what is shown, so that it can be passed on. `parameters` gives
// values by name, null for those to leave as they are.
const URL_MS = 300;

function addressOf(model, parameters) {
  if (model.whole_page === false) return () => {}; // the page is somebody else's
  let waiting = 0;
  model.on("remove", () => clearTimeout(waiting));
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const url = new URL(location.href);
      for (const [name, value] of Object.entries(parameters())) {
        if (value !== null) url.searchParams.set(name, value);
      }
      history.replaceState(history.state, "", url);
    }, URL_MS);
  };
}
