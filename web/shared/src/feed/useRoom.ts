import { useEffect, useState } from "react";

import { getRecords, getWaves, openEncounters } from "../api/hub.ts";
import type { FeedClient } from "./client.ts";
import { useFeed, useFeedPhase, useRoomPart, useUnit } from "./context.tsx";
import { fetchEncounter } from "./encounter.ts";
import type { OpenEncounter, Room } from "./room.ts";
import { TREND_US } from "./vitals.ts";

/** Streams whose past a room shows, and how far back. */
const PAST: readonly (readonly [stream: string, backUs: number])[] = [
  ["vitals", TREND_US],
  ["triage", TREND_US],
  ["alarm", TREND_US],
  ["chart", 6 * TREND_US],
  ["still", 2 * 60 * 1_000_000],
];
const WAVE_BACK_US = 12_000_000;
/** Backfill comes in many small pieces: ask once it pauses this long. */
const SETTLE_MS = 400;
/** Ask for a little more than was said, so that no edge is missed. */
const EDGE_US = 1_000_000;

async function fetchRoom(feed: FeedClient, room: Room, signal: AbortSignal): Promise<void> {
  const now = feed.clock.nowUtcUs();
  const past = PAST.map(async ([stream, backUs]) => {
    const { records, gaps } = await getRecords(room.unit, stream, now - backUs, null, signal);
    room.records(records);
    if (stream === "vitals") room.setGaps(gaps);
  });
  const waves = getWaves(room.unit, now - WAVE_BACK_US, null, signal).then((blocks) => {
    for (const block of blocks) room.wave(block);
  });
  const outcomes = await Promise.allSettled([...past, waves]);
  const failure = outcomes.find((each) => each.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}

/**
 * Follow `unit` with all its records and waves, and fetch its past: at the beginning, again whenever
 * the feed comes back, and in part whenever older records arrive.
 */
export function useRoom(unit: string): { room: Room; error: unknown } {
  const feed = useFeed();
  const phase = useFeedPhase();
  const room = feed.room(unit);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    feed.watch({ fleet: true, units: [unit], waveforms: true });
    return () => {
      feed.watch({ fleet: true, units: [], waveforms: false });
    };
  }, [feed, unit]);
  const isOpen = phase === "open";
  useEffect(() => {
    if (!isOpen) return undefined;
    const abort = new AbortController();
    fetchRoom(feed, feed.room(unit), abort.signal).then(
      () => {
        setError(null);
      },
      (failure: unknown) => {
        if (!abort.signal.aborted) setError(failure);
      },
    );
    return () => {
      abort.abort();
    };
  }, [feed, unit, isOpen]);
  useBackfill(room);
  useEncounter(room);
  return { room, error };
}

/** Fetch what an outage left, once it has arrived at the hub. */
function useBackfill(room: Room): void {
  useEffect(() => {
    const abort = new AbortController();
    const spans = new Map<string, { first: number; last: number }>();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const fetchSpans = () => {
      timer = null;
      for (const [stream, { first, last }] of spans) {
        if (!PAST.some(([name]) => name === stream)) continue;
        getRecords(room.unit, stream, first - EDGE_US, last + EDGE_US, abort.signal).then(
          ({ records }) => {
            room.records(records);
          },
          () => undefined, // the next piece, or the next reconnect, asks again
        );
      }
      spans.clear();
    };
    const stop = room.subscribe("backfill", () => {
      const news = room.lastBackfill;
      if (news === null) return;
      const known = spans.get(news.stream);
      spans.set(news.stream, {
        first: Math.min(known?.first ?? news.firstUtcUs, news.firstUtcUs),
        last: Math.max(known?.last ?? news.lastUtcUs, news.lastUtcUs),
      });
      timer ??= setTimeout(fetchSpans, SETTLE_MS);
    });
    return () => {
      stop();
      abort.abort();
      if (timer !== null) clearTimeout(timer);
    };
  }, [room]);
}

/** Keep the room's encounter and what belongs to it; the feed may have been away when it changed. */
function useEncounter(room: Room): void {
  const view = useUnit(room.unit);
  const isOpen = useFeedPhase() === "open";
  useRoomPart(room, "encounter");
  const isKnownUnit = view !== undefined;
  const told = view?.encounterId ?? null;
  const known = room.encounter?.encounterId ?? null;
  useEffect(() => {
    if (!isOpen || !isKnownUnit || told === known) return undefined;
    const abort = new AbortController();
    const before = room.encounter;
    const set = (encounter: OpenEncounter | null) => {
      if (room.encounter === before) room.setEncounter(encounter);
    };
    openEncounters(abort.signal).then(
      (all) => {
        const mine = all.find((each) => (told === null ? each.unit === room.unit : each.encounterId === told));
        const id = told ?? mine?.encounterId;
        set(id === undefined ? null : { encounterId: id, openedUtcUs: mine?.openedUtcUs ?? null });
      },
      () => {
        if (!abort.signal.aborted && told !== null) set({ encounterId: told, openedUtcUs: null });
      },
    );
    return () => {
      abort.abort();
    };
  }, [room, isOpen, isKnownUnit, told, known]);
  useEffect(() => {
    if (!isOpen || known === null) return undefined;
    const abort = new AbortController();
    void fetchEncounter(room, known, abort.signal);
    return () => {
      abort.abort();
    };
  }, [room, isOpen, known]);
}
