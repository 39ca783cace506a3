/** The fleet as the feed last told it, one view per unit. */

import type { FeedMessage, UnitView } from "../wire/feed.ts";
import { Topics } from "./topics.ts";

type FleetMessage = Extract<FeedMessage, { t: "fleet" }>;

export class Fleet {
  private readonly units = new Map<string, UnitView>();
  private readonly topics = new Topics();
  private snapshot: readonly UnitView[] = [];
  private told = false;

  /** Merge one message. `full` replaces everything: what is not in it has left the fleet. */
  apply(message: FleetMessage): void {
    const changed = message.units.map((each) => each.unit);
    if (message.full) {
      for (const id of this.units.keys()) if (!changed.includes(id)) changed.push(id);
      this.units.clear();
    }
    for (const each of message.units) this.units.set(each.unit, each);
    this.snapshot = [...this.units.values()];
    this.told = true;
    for (const id of changed) this.topics.tell(id);
    this.topics.tell("*");
  }

  /** Whether the server has told the fleet at least once; before that an empty list means nothing. */
  readonly isTold = (): boolean => this.told;

  readonly all = (): readonly UnitView[] => this.snapshot;

  one(unit: string): UnitView | undefined {
    return this.units.get(unit);
  }

  readonly subscribeAll = (listener: () => void): (() => void) => this.topics.subscribe("*", listener);

  subscribe(unit: string, listener: () => void): () => void {
    return this.topics.subscribe(unit, listener);
  }
}
