// The network as a graph: a box a layer, its kind told by colour and word; click selects.
const NS = "http://www.w3.org/2000/svg";

function svg(tag, attributes, parent) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
}

function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

export function render({ model, el }) {
  const box = element("div", { class: "graph" });
  el.append(box);
  let nodes = new Map();

  const edge = (points, parent) => {
    let path = `M${points[0][0]},${points[0][1]}`;
    for (let i = 1; i < points.length; i++) {
      const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
      const middle = (y0 + y1) / 2;
      path += ` C${x0},${middle} ${x1},${middle} ${x1},${y1}`;
    }
    svg("path", { d: path, class: "edge", "marker-end": "url(#arrow)" }, parent);
  };
  const build = () => {
    const { width, height } = model.size;
    box.replaceChildren();
    nodes = new Map();
    const root = svg("svg", {
      viewBox: `0 0 ${width} ${height}`, width, height, role: "listbox", "aria-label": "Layers of the network",
    }, box);
    const marker = svg("marker", {
      id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto",
    }, svg("defs", {}, root));
    svg("path", { d: "M0,0 L8,4 L0,8 z", class: "arrow" }, marker);
    for (const points of model.edges) edge(points, root);
    for (const node of model.nodes) {
      const group = svg("g", {
        class: "node", tabindex: 0, role: "option", "data-layer": node.name, "data-kind": node.kind,
        transform: `translate(${node.x},${node.y})`, "aria-label": node.title,
      }, root);
      svg("title", {}, group).textContent = node.title;
      svg("rect", { width: node.width, height: node.height, rx: 6, class: "box" }, group);
      svg("rect", { width: 5, height: node.height, rx: 2.5, fill: node.colour }, group);
      const line = (x, y, text, kind, anchor = "start") => {
        svg("text", { x, y, class: kind, "text-anchor": anchor }, group).textContent = text;
      };
      line(13, 16, cut(node.name, 17), "name");
      line(node.width - 8, 16, node.kind, "kind", "end");
      line(13, 30, node.shape, "detail");
      line(node.width - 8, 30, node.parameters, "detail", "end");
      const pick = () => { model.selected = node.name; };
      group.addEventListener("click", pick);
      group.addEventListener("keydown", (event) => {
        const order = [...nodes.values()];
        const neighbour = order[order.indexOf(group) + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0)];
        if (event.key === "Enter" || event.key === " ") pick();
        else if (neighbour && neighbour !== group) neighbour.focus();
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
      nodes.set(node.name, group);
    }
    select();
  };
  const select = () => {
    for (const [name, group] of nodes) {
      const chosen = name === model.selected;
      group.setAttribute("aria-selected", chosen);
      if (!chosen) continue;
      const [top, bottom] = [group.getBoundingClientRect(), box.getBoundingClientRect()];
      if (top.top < bottom.top || top.bottom > bottom.bottom) group.scrollIntoView({ block: "nearest" });
    }
  };
  model.on(["nodes", "edges"], build);
  model.on("selected", select);
  build();
}
