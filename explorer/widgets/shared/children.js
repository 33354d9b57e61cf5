// The parts of a column change one change at a time. Bokeh builds the views of new parts one after
// the other and waits in between; a change that came meanwhile would build the same view again, and
// the one that nobody knows of would stay on screen for ever.
function changeOneAtATime() {
  for (const name of ["panel.models.layout.Column", "Column", "Row"]) {
    const views = window.Bokeh?.Models.get(name)?.prototype.default_view?.prototype;
    if (typeof views?.update_children !== "function" || views.update_children.isQueued) continue;
    const change = views.update_children;
    const last = new WeakMap();
    views.update_children = function () {
      const next = (last.get(this) ?? Promise.resolve()).then(() => this.is_destroyed || change.call(this));
      last.set(this, next.catch(() => {}));
      return next;
    };
    views.update_children.isQueued = true;
  }
}

changeOneAtATime();
