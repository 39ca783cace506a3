import { useCallback, useSyncExternalStore } from "react";

import { useFeed } from "../feed/context.tsx";

/** A beat shared by all that counts: one timer per page and pace, aligned so that ages change together. */
class Beat {
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setInterval> | null = null;
  private count = 0;

  constructor(private readonly everyMs: number) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    this.timer ??= setInterval(() => {
      this.count += 1;
      for (const each of [...this.listeners]) each();
    }, this.everyMs);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0 && this.timer !== null) {
        clearInterval(this.timer);
        this.timer = null;
      }
    };
  };

  readonly read = (): number => this.count;
}

const beats = new Map<number, Beat>();

function beatOf(everyMs: number): Beat {
  const known = beats.get(everyMs);
  if (known !== undefined) return known;
  const made = new Beat(everyMs);
  beats.set(everyMs, made);
  return made;
}

/** The server's now, µs; re-renders every `everyMs`. */
export function useNow(everyMs = 1_000): number {
  const feed = useFeed();
  const beat = beatOf(everyMs);
  useSyncExternalStore(
    beat.subscribe,
    useCallback(() => beat.read(), [beat]),
  );
  return feed.clock.nowUtcUs();
}
