// Light or dark: what the address asks for, else what the visitor has chosen, else what the system
// prefers, also when that changes. The colours of both are named in page.css; those who paint with
// them are told of a change by the event trainlapse:theme.
(() => {
  const KEPT = "trainlapse-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isTheme = (name) => ["light", "dark"].includes(name);
  // A page from a file may have no storage, and an address that cannot be changed.
  const guarded = (act) => {
    try {
      return act();
    } catch {
      return null;
    }
  };
  const asked = new URL(location.href).searchParams.get("theme");
  let chosen = [asked, guarded(() => localStorage.getItem(KEPT))].find(isTheme);

  const label = () => {
    const button = document.getElementById("theme");
    if (button) button.textContent = root.dataset.theme === "dark" ? "Light" : "Dark";
  };
  const show = () => {
    const theme = chosen ?? (system.matches ? "dark" : "light");
    if (theme === root.dataset.theme) return;
    root.dataset.theme = theme;
    label();
    window.dispatchEvent(new Event("trainlapse:theme"));
  };
  const choose = () => {
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    guarded(() => localStorage.setItem(KEPT, chosen));
    const url = new URL(location.href);
    if (url.searchParams.has("theme")) {
      url.searchParams.set("theme", chosen);
      guarded(() => history.replaceState(history.state, "", url));
    }
    show();
  };
  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    label();
    document.getElementById("theme").addEventListener("click", choose);
  }, { once: true }); // Panel sends the event again once its roots are there
})();
