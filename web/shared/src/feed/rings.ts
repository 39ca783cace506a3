/** The rings for whoever is signed in here, outside React. */

import type { RingLine } from "../wire/room.ts";
import { Topics } from "./topics.ts";

const LASTING = new Set(["ringing", "timed_out"]);

export class Rings {
  private readonly byId = new Map<string, RingLine>();
  private readonly topics = new Topics();
  private snapshot: readonly RingLine[] = [];

  /** Take in how one ring stands; one that is over, or declined, rings here no more. */
  take(line: RingLine): void {
    if (line.state === "ringing" && LASTING.has(line.call)) this.byId.set(line.ringId, line);
    else this.byId.delete(line.ringId);
    this.told();
  }

  /** All that last, as the hub has them: what is not among them is over. */
  takeAll(lines: readonly RingLine[]): void {
    this.byId.clear();
    for (const each of lines) this.byId.set(each.ringId, each);
    this.told();
  }

  readonly all = (): readonly RingLine[] => this.snapshot;

  readonly subscribe = (listener: () => void): (() => void) => this.topics.subscribe("*", listener);

  private told(): void {
    this.snapshot = [...this.byId.values()].sort((a, b) => a.askedUtcUs - b.askedUtcUs);
    this.topics.tell("*");
  }
}
