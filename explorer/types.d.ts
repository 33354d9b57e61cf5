// What the scripts of a page share. A name that is not here, and an argument that is missing, are faults
// for the compiler; values of a model are Python's parameters, and are not known here.

/** What is selected on a page; what is left out is not chosen yet. `target` may be PREDICTED. */
export interface Choice {
  layer?: string;
  unit?: number;
  probe?: number;
  target?: number;
  tab?: string;
}

/** What the pointer is over. */
export interface Hovered {
  layer?: string;
  unit?: number;
  probe?: number;
  token?: number;
  [dimension: string]: any;
}

/** The clock of a page, or of one of its runs. Its events: seek, tick, choice, hover, complete. */
export interface Clock extends EventTarget {
  /** Position of the recorded step on screen. */
  index: number;
  /** Recorded steps, at least 1. */
  count: number;
  choice: Choice;
  hovered: Hovered;
  /** Group of each layer whose units stand for each other. */
  families: Map<string, string>;
  start(count: number, index: number): void;
  go(index: number): void;
  choose(change: Choice): void;
  hover(what?: Hovered): void;
  /** Given by whoever leads the clock. */
  label?(index: number): string;
  stepAt?(index: number): number;
  indexOf?(step: number): number;
}

/** What Panel gives a component: Python's parameters as properties, events, messages. */
export interface Model {
  channel: string;
  /** Bokeh's own model behind it. */
  data: any;
  on(names: string | string[], listener: (detail?: any) => void): void;
  send_msg(message: object): void;
  [parameter: string]: any;
}

/** A component as it is drawn: into `el`, with the values of `model`. */
export interface Component {
  model: Model;
  el: HTMLElement;
}

/** Three bytes a code, red, green and blue, for 256 codes; code 0 stands for NaN. */
export type Palette = ArrayLike<number>;

/** One byte a value: 1 to 255 from the lowest to the highest, 0 for NaN. */
export type Codes = ArrayLike<number> & Iterable<number>;

/** What came of one step: named parts, each an array. */
export type Payload = Record<string, any>;

/** A place on an axis with its text; `bare` draws no line. */
export interface Tick {
  value: number;
  text: string;
  at?: number;
  bare?: boolean;
}

/** A part of a canvas, in page pixels; `below` is the room for ticks. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
  below: number;
}

export type Pen = CanvasRenderingContext2D;

declare global {
  /** What BokehJS keeps of a page has no types here. */
  const Bokeh: any;

  interface Window {
    Bokeh?: any;
    trainlapseClocks?: Map<string, Clock>;
    /** Of a page that is filmed: see explorer/export/stage.js. */
    stageOf?(channel: string, title: string | null): object;
  }

  interface WindowEventMap {
    "trainlapse:theme": Event;
    "trainlapse:goto": CustomEvent<{ index: number; channel?: string }>;
    "trainlapse:another-run": CustomEvent<{ side: string }>;
    "trainlapse:opened": CustomEvent<{ number: number; side: string }>;
  }
}
