/**
 * What is drawn on a picture. Pure but for `drawMark`.
 * Law: a mark is seen on black and on white: each is drawn twice, a dark edge under its colour.
 */

/** In pixels of the picture, from its upper left. */
export type Point = readonly [number, number];

export const TOOLS = ["pen", "arrow", "circle", "text"] as const;
export type Tool = (typeof TOOLS)[number];

/** Bright, so that the dark edge sets each off; told apart by who does not see red and green alike. */
export const COLOURS = { yellow: "#ffd60a", cyan: "#36d6ff", red: "#ff6a5e", white: "#ffffff" } as const;
export type Colour = keyof typeof COLOURS;
export const COLOUR_NAMES = ["yellow", "cyan", "red", "white"] as const satisfies readonly Colour[];

export type Mark =
  | { kind: "pen"; colour: Colour; points: readonly Point[] }
  | { kind: "arrow" | "circle"; colour: Colour; from: Point; to: Point }
  | { kind: "text"; colour: Colour; at: Point; text: string };

/** A stroke has no more points than this; a hand that goes on draws the next. */
export const MOST_POINTS = 2_000;
/** Nearer together than this, a stroke's points show no more. */
const NEAR_PX = 2;

export function begun(tool: Exclude<Tool, "text">, colour: Colour, at: Point): Mark {
  return tool === "pen" ? { kind: "pen", colour, points: [at] } : { kind: tool, colour, from: at, to: at };
}

export function extended(mark: Mark, to: Point): Mark {
  switch (mark.kind) {
    case "pen": {
      const last = mark.points.at(-1);
      const isFull = mark.points.length >= MOST_POINTS;
      return isFull || (last !== undefined && distance(last, to) < NEAR_PX) ? mark : { ...mark, points: [...mark.points, to] };
    }
    case "arrow":
    case "circle":
      return { ...mark, to };
    case "text":
      return mark;
  }
}

/** Whether there is something to see: a tap that did not move leaves a dot of the pen, and nothing else. */
export function isSeen(mark: Mark, leastPx: number): boolean {
  switch (mark.kind) {
    case "pen":
      return true;
    case "arrow":
    case "circle":
      return distance(mark.from, mark.to) >= leastPx;
    case "text":
      return mark.text.trim() !== "";
  }
}

/** The two ends of an arrow's head, `sizePx` from its point. */
export function arrowHead(from: Point, to: Point, sizePx: number): [Point, Point] {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const end = (turn: number): Point => [to[0] - sizePx * Math.cos(angle + turn), to[1] - sizePx * Math.sin(angle + turn)];
  return [end(Math.PI / 6), end(-Math.PI / 6)];
}

/** How thick a line is on a picture of this width: a finger's stroke on any screen. */
export function lineWidthPx(widthPx: number): number {
  return Math.max(3, widthPx / 200);
}

/** How large words are on a picture of this width. */
export function textSizePx(widthPx: number): number {
  return Math.max(16, widthPx / 28);
}

export function drawMark(context: CanvasRenderingContext2D, mark: Mark, widthPx: number): void {
  const line = lineWidthPx(widthPx);
  context.lineCap = "round";
  context.lineJoin = "round";
  if (mark.kind === "text") {
    context.font = `700 ${textSizePx(widthPx)}px Inter, "Noto Sans SC", "Noto Sans CJK SC", sans-serif`;
    context.textBaseline = "middle";
    context.strokeStyle = EDGE;
    context.lineWidth = line * 1.6;
    context.strokeText(mark.text, mark.at[0], mark.at[1]);
    context.fillStyle = COLOURS[mark.colour];
    context.fillText(mark.text, mark.at[0], mark.at[1]);
    return;
  }
  const path = pathOf(mark, line * 5);
  for (const [width, ink] of [[line * 2.2, EDGE], [line, COLOURS[mark.colour]]] as const) {
    context.lineWidth = width;
    context.strokeStyle = ink;
    context.stroke(path);
  }
}

const EDGE = "rgb(0 0 0 / 80%)";

function pathOf(mark: Exclude<Mark, { kind: "text" }>, headPx: number): Path2D {
  const path = new Path2D();
  if (mark.kind === "pen") {
    const [first, ...rest] = mark.points;
    if (first === undefined) return path;
    path.moveTo(...first);
    path.lineTo(...first);
    for (const point of rest) path.lineTo(...point);
    return path;
  }
  const { from, to } = mark;
  if (mark.kind === "arrow") {
    const [left, right] = arrowHead(from, to, headPx);
    path.moveTo(...from);
    path.lineTo(...to);
    path.moveTo(...left);
    path.lineTo(...to);
    path.lineTo(...right);
    return path;
  }
  path.ellipse((from[0] + to[0]) / 2, (from[1] + to[1]) / 2, Math.abs(to[0] - from[0]) / 2, Math.abs(to[1] - from[1]) / 2, 0, 0, 2 * Math.PI);
  return path;
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
