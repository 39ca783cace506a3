/**
 * Stills of one unit, put together from their parts.
 * Law: a still is shown whole or not at all, and never gives way to an older one.
 */

import type { Fields } from "../wire/decode.ts";

export type Still = { camera: string; capturedUtcUs: number; widthPx: number; heightPx: number; url: string };

type Pending = { capturedUtcUs: number; parts: Map<number, string>; of: number; widthPx: number; heightPx: number };

/** So many stills may be incomplete at once, of each camera; the oldest gives way. */
const MOST_PENDING = 3;

export class Stills {
  private readonly newest = new Map<string, Still>();
  private readonly pending = new Map<string, Pending[]>();

  /** Take in one record; true where a still became whole and is the newest. */
  add(capturedUtcUs: number, body: Fields): boolean {
    const camera = body.text("camera");
    if (capturedUtcUs <= (this.newest.get(camera)?.capturedUtcUs ?? 0)) return false;
    const of = body.numberOr("parts") ?? 1;
    const still = this.begun(camera, { capturedUtcUs, of, widthPx: body.number("width_px"), heightPx: body.number("height_px"), parts: new Map() });
    still.parts.set(body.numberOr("part") ?? 1, body.text("jpeg"));
    if (still.parts.size < still.of) return false;
    const bytes = Array.from({ length: still.of }, (_, index) => atob(still.parts.get(index + 1) ?? "")).join("");
    this.newest.set(camera, { camera, capturedUtcUs, widthPx: still.widthPx, heightPx: still.heightPx, url: `data:image/jpeg;base64,${btoa(bytes)}` });
    this.pending.set(camera, this.waiting(camera).filter((each) => each.capturedUtcUs > capturedUtcUs));
    return true;
  }

  latest(camera: string): Still | null {
    return this.newest.get(camera) ?? null;
  }

  private waiting(camera: string): Pending[] {
    return this.pending.get(camera) ?? [];
  }

  private begun(camera: string, fresh: Pending): Pending {
    const waiting = this.waiting(camera);
    const known = waiting.find((each) => each.capturedUtcUs === fresh.capturedUtcUs);
    if (known !== undefined) return known;
    const kept = [...waiting, fresh].sort((a, b) => a.capturedUtcUs - b.capturedUtcUs).slice(-MOST_PENDING);
    this.pending.set(camera, kept);
    return fresh;
  }
}
