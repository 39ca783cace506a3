/**
 * What travels of a camera's picture, and why not more: how the steps of the ladder are said.
 * Law: a picture that is less than it could be says so, on every screen.
 */

import { type T, wordOf } from "../i18n/index.ts";
import type { VideoView } from "../wire/feed.ts";

/** "360p · the link leaves no more"; null where nothing is given up. */
export function givenText(t: T, given: VideoView): string | null {
  if (given.reason === null) return null;
  return `${wordOf(t, "video.step", given.step)} · ${wordOf(t, "video.reason", given.reason)}`;
}

/** Why less travels than could; null where nothing is given up. */
export function reasonText(t: T, given: VideoView): string | null {
  return given.reason === null ? null : wordOf(t, "video.reason", given.reason);
}

/** What the watch of the picture found: "dark, blurred"; null where all is well. */
export function faultsText(t: T, faults: readonly string[]): string | null {
  return faults.length === 0 ? null : faults.map((each) => wordOf(t, "video.fault", each)).join(t("video.and"));
}

/** The step moves: pictures are expected, and their absence is a loss. */
export function isMoving(given: VideoView | null): boolean {
  return given === null || !["stills", "none"].includes(given.step);
}

/** The camera's own name in words, where it has one: patient, cabin, front, monitor. */
export function cameraText(t: T, camera: string): string {
  return wordOf(t, "video.name", camera);
}
