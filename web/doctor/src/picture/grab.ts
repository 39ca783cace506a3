/** A picture taken off the screen: a video's or still's present one, or a page of ECG paper. */

/** What was frozen, and when what it shows was so. */
export type Grabbed = { canvas: HTMLCanvasElement; source: string; capturedUtcUs: number };

/** So wide at least: marks on a picture of 320 pixels would be coarser than the hand that drew them. */
const LEAST_WIDTH_PX = 960;
const MOST_WIDTH_PX = 1280;

export function grabPicture(from: HTMLVideoElement | HTMLImageElement): HTMLCanvasElement {
  const [width, height] = from instanceof HTMLVideoElement ? [from.videoWidth, from.videoHeight] : [from.naturalWidth, from.naturalHeight];
  const scale = Math.min(MOST_WIDTH_PX, Math.max(LEAST_WIDTH_PX, width)) / width;
  const [canvas, context] = canvasOf(width * scale, height * scale);
  context.drawImage(from, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** The paper, the curves and the names of the leads; null where there is no page. */
export function grabPaper(paper: HTMLElement): HTMLCanvasElement | null {
  const layers = [...paper.querySelectorAll("canvas")];
  const [first] = layers;
  if (first === undefined || first.width === 0) return null;
  const [canvas, context] = canvasOf(first.width, first.height);
  for (const layer of layers) context.drawImage(layer, 0, 0, canvas.width, canvas.height);
  const box = first.getBoundingClientRect();
  const scale = canvas.width / box.width;
  context.textBaseline = "top";
  for (const label of paper.querySelectorAll<HTMLElement>(".gh-ecg-label")) {
    const at = label.getBoundingClientRect();
    const style = getComputedStyle(label);
    context.font = `${style.fontWeight} ${parseFloat(style.fontSize) * scale}px ${style.fontFamily}`;
    context.fillStyle = style.color;
    context.fillText(label.textContent, (at.left - box.left) * scale, (at.top - box.top) * scale);
  }
  return canvas;
}

export function canvasOf(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width);
  canvas.height = Math.round(height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no canvas");
  return [canvas, context];
}
