/** A picture made small enough to travel: first it gives up quality, then size. */

/** What the hub takes. Source: `MAX_PICTURE_BYTES` in protocols/messages/picture.py. */
export const MOST_BYTES = 44 * 1024;

export type Step = { sidePx: number; quality: number };

/** From the best: words must stay readable, so size goes before quality is ugly. */
export const STEPS: readonly Step[] = [
  { sidePx: 1280, quality: 0.82 },
  { sidePx: 1280, quality: 0.65 },
  { sidePx: 1280, quality: 0.5 },
  { sidePx: 1024, quality: 0.6 },
  { sidePx: 1024, quality: 0.45 },
  { sidePx: 800, quality: 0.55 },
  { sidePx: 800, quality: 0.4 },
  { sidePx: 640, quality: 0.5 },
  { sidePx: 640, quality: 0.3 },
  { sidePx: 480, quality: 0.3 },
  { sidePx: 320, quality: 0.3 },
];

/**
 * The best picture that fits; `encode` makes one of a step.
 *
 * @throws Error: not even the last step fits.
 */
export async function fitted(encode: (step: Step) => Promise<Blob>, mostBytes: number = MOST_BYTES): Promise<Blob> {
  for (const step of STEPS) {
    const made = await encode(step);
    if (made.size <= mostBytes) return made;
  }
  throw new Error("the picture cannot be made small enough");
}

/** A size within `sidePx` of the same shape; nothing is made larger. */
export function within(widthPx: number, heightPx: number, sidePx: number): { widthPx: number; heightPx: number } {
  const shrink = Math.min(1, sidePx / Math.max(widthPx, heightPx));
  return { widthPx: Math.round(widthPx * shrink), heightPx: Math.round(heightPx * shrink) };
}
