import { type FeedClient, Fields, getJson, useFeed, useFeedPhase } from "@goldenhour/shared";
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";

import { readState, type VehicleState } from "./state.ts";

/** An answer is no later than this; a state that says an earlier time is of a clock that was set. */
const LATE_US = 10_000_000;

/** The newest state, outside React: from the feed, from answers to actions, from `GET /state`. */
export class VehicleStore {
  private state: VehicleState | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly feed: FeedClient) {}

  readonly read = (): VehicleState | null => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Take in a state; an older one never replaces a newer one, unless the vehicle's clock was set back. */
  take(f: Fields): void {
    const next = readState(f);
    const olderUs = this.state === null ? 0 : this.state.nowUtcUs - next.nowUtcUs;
    if (olderUs > 0 && olderUs < LATE_US) return;
    this.state = next;
    this.feed.clock.observe(next.nowUtcUs);
    this.takeScore(f, next);
    for (const each of [...this.listeners]) each();
  }

  /** The score rides in the state, so that the tablet shows one before the next is worked out. */
  private takeScore(f: Fields, next: VehicleState): void {
    const score = f.objectOr("news2");
    if (score === null) return;
    this.feed.room(next.unit).record({
      stream: "triage",
      seq: 0,
      capturedUtcUs: score.numberOr("captured_utc_us") ?? next.nowUtcUs,
      clock: "unset",
      clockErrorUs: null,
      receivedUtcUs: null,
      lane: "live",
      body: score,
    });
  }
}

/** Follow the vehicle: its state and, once the unit is known, its vitals and waves. */
export function useVehicle(): { state: VehicleState | null; take: (answer: unknown) => void } {
  const feed = useFeed();
  const phase = useFeedPhase();
  const store = useMemo(() => new VehicleStore(feed), [feed]);
  const state = useSyncExternalStore(store.subscribe, store.read);
  useEffect(
    () =>
      feed.onState((message) => {
        store.take(message.state);
      }),
    [feed, store],
  );
  useEffect(() => {
    if (phase !== "open") return;
    getJson("/state").then(
      (answer) => {
        store.take(Fields.of(answer, "state"));
      },
      () => undefined, // the feed tells it too
    );
  }, [store, phase]);
  const unit = state?.unit ?? null;
  useEffect(() => {
    if (unit !== null) feed.watch({ fleet: false, units: [unit], waveforms: true });
  }, [feed, unit]);
  const take = useCallback(
    (answer: unknown) => {
      store.take(Fields.of(answer, "state"));
    },
    [store],
  );
  return { state, take };
}

/** One action at a time: what runs, and what went wrong with the last one. */
export function useAction(): { run: (action: () => Promise<unknown>) => void; isBusy: boolean; error: unknown } {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = useCallback((action: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    action()
      .catch(setError)
      .finally(() => {
        setBusy(false);
      });
  }, []);
  return { run, isBusy, error };
}
