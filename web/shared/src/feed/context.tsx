import { createContext, type ReactNode, use, useCallback, useEffect, useSyncExternalStore } from "react";

import type { UnitView } from "../wire/feed.ts";
import type { RingLine } from "../wire/room.ts";
import type { FeedClient, Phase } from "./client.ts";
import type { Part, Room } from "./room.ts";

const FeedContext = createContext<FeedClient | null>(null);

export function FeedProvider({ feed, children }: { feed: FeedClient; children: ReactNode }) {
  return <FeedContext value={feed}>{children}</FeedContext>;
}

/** @throws Error outside a `FeedProvider`: a mistake of ours. */
export function useFeed(): FeedClient {
  const feed = use(FeedContext);
  if (feed === null) throw new Error("useFeed outside FeedProvider");
  return feed;
}

export function useFeedPhase(): Phase {
  const feed = useFeed();
  return useSyncExternalStore(feed.subscribePhase, feed.phase);
}

export function useFleet(): readonly UnitView[] {
  const { fleet } = useFeed();
  return useSyncExternalStore(fleet.subscribeAll, fleet.all);
}

/** The rings for whoever is signed in here, oldest first. */
export function useRings(): readonly RingLine[] {
  const { rings } = useFeed();
  return useSyncExternalStore(rings.subscribe, rings.all);
}

/** The room that this screen is in, and whether a newer screen took its seat. */
export function useSeat(): { seat: { unit: string; encounterId: string } | null; isReplaced: boolean } {
  const feed = useFeed();
  const seat = useSyncExternalStore(feed.subscribeSeat, feed.seat);
  const isReplaced = useSyncExternalStore(feed.subscribeSeat, feed.isReplaced);
  return { seat, isReplaced };
}

export function useFleetTold(): boolean {
  const { fleet } = useFeed();
  return useSyncExternalStore(fleet.subscribeAll, fleet.isTold);
}

/** Follow one unit's view; re-renders only when it changes. */
export function useUnit(unit: string | null): UnitView | undefined {
  const { fleet } = useFeed();
  const subscribe = useCallback(
    (onChange: () => void) => (unit === null ? () => undefined : fleet.subscribe(unit, onChange)),
    [fleet, unit],
  );
  return useSyncExternalStore(
    subscribe,
    useCallback(() => (unit === null ? undefined : fleet.one(unit)), [fleet, unit]),
  );
}

/** Follow one part of a room; the returned number rises with each change. */
export function useRoomPart(room: Room, part: Part): number {
  return useSyncExternalStore(
    useCallback((onChange: () => void) => room.subscribe(part, onChange), [room, part]),
    useCallback(() => room.version(part), [room, part]),
  );
}

/** Keep the feed open while the caller is on screen. */
export function useFeedRunning(feed: FeedClient): void {
  useEffect(() => {
    feed.start();
    return () => {
      feed.stop();
    };
  }, [feed]);
}
