/**
 * The feed client: one WebSocket, kept. Law: it says when it is not connected, it never invents a
 * message, and what it cannot read it counts and passes over.
 */

import { ServerClock } from "../time/clock.ts";
import { decodeFeed, encodeWatch, type FeedMessage, type Watch } from "../wire/feed.ts";
import { decodeWave } from "../wire/wave.ts";
import { waitMs } from "./backoff.ts";
import { Fleet } from "./fleet.ts";
import { Rings } from "./rings.ts";
import { Room } from "./room.ts";
import { Topics } from "./topics.ts";

export type Phase = "connecting" | "open" | "waiting" | "refused" | "closed";

/** As much of a WebSocket as the client uses. */
export type Socket = {
  binaryType: BinaryType;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send: (text: string) => void;
  close: () => void;
};

export type Timers = {
  after: (ms: number, run: () => void) => () => void;
  random: () => number;
};

const browserTimers: Timers = {
  after: (ms, run) => {
    const id = setTimeout(run, ms);
    return () => {
      clearTimeout(id);
    };
  },
  random: () => Math.random(),
};

/** The server ticks each second; silent for this long, the socket is dead whatever it says. */
export const SILENT_MS = 5_000;
/** RFC 6455 policy violation, and the code that FastAPI's handlers use for a missing right. */
const REFUSED = new Set([1008, 4401, 4403]);

export class FeedClient {
  readonly clock: ServerClock;
  readonly fleet = new Fleet();
  readonly rings = new Rings();
  private readonly rooms = new Map<string, Room>();
  private readonly topics = new Topics();
  private readonly stateListeners = new Set<(message: Extract<FeedMessage, { t: "state" }>) => void>();
  private socket: Socket | null = null;
  private cancelRetry: (() => void) | null = null;
  private cancelSilence: (() => void) | null = null;
  private attempt = 0;
  private watching: Watch = { fleet: false, units: [], waveforms: false };
  private seatNow: { unit: string; encounterId: string } | null = null;
  private wasReplaced = false;
  private phaseNow: Phase = "closed";
  private lostUtcUs: number | null = null;
  private unread = 0;

  constructor(
    private readonly open: () => Socket,
    private readonly timers: Timers = browserTimers,
    clock?: ServerClock,
  ) {
    this.clock = clock ?? new ServerClock();
  }

  readonly phase = (): Phase => this.phaseNow;

  /** When the feed was last heard before it was lost; null while it is open. */
  readonly lostSinceUtcUs = (): number | null => this.lostUtcUs;

  /** Messages that could not be read since the page was opened. */
  readonly unreadCount = (): number => this.unread;

  readonly subscribePhase = (listener: () => void): (() => void) => this.topics.subscribe("phase", listener);

  /** The vehicle's own state messages, for the tablet. */
  onState(listener: (message: Extract<FeedMessage, { t: "state" }>) => void): () => void {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  }

  start(): void {
    if (this.phaseNow === "closed" || this.phaseNow === "refused") this.connect();
  }

  stop(): void {
    this.drop();
    this.setPhase("closed");
  }

  watch(watch: Watch): void {
    this.watching = watch;
    this.sendWatch();
  }

  /** The room that this screen is in. */
  readonly seat = (): { unit: string; encounterId: string } | null => this.seatNow;

  /** Whether a newer screen of the same person took the seat. */
  readonly isReplaced = (): boolean => this.wasReplaced;

  readonly subscribeSeat = (listener: () => void): (() => void) => this.topics.subscribe("seat", listener);

  /** Be in the room of an encounter; coming into it answers what rings. */
  enter(unit: string, encounterId: string): void {
    this.wasReplaced = false;
    this.sit({ unit, encounterId });
  }

  /** Leave the room of `unit`, if this screen is in it. */
  leave(unit: string): void {
    if (this.seatNow?.unit === unit) this.sit(null);
  }

  /** The room of `unit`; made at the first call and kept, so that going back to it is instant. */
  room(unit: string): Room {
    const known = this.rooms.get(unit);
    if (known !== undefined) return known;
    const made = new Room(unit);
    this.rooms.set(unit, made);
    return made;
  }

  private sendWatch(): void {
    if (this.phaseNow === "open") this.socket?.send(encodeWatch(this.watching, this.seatNow?.encounterId ?? null));
  }

  private sit(seat: { unit: string; encounterId: string } | null): void {
    this.seatNow = seat;
    this.sendWatch();
    this.topics.tell("seat");
  }

  private connect(): void {
    this.setPhase("connecting");
    const socket = this.open();
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      socket.send(encodeWatch(this.watching, this.seatNow?.encounterId ?? null));
    };
    socket.onmessage = (event) => {
      this.hear(event.data);
    };
    socket.onclose = (event) => {
      this.drop();
      if (REFUSED.has(event.code)) this.setPhase("refused");
      else this.retry();
    };
    this.listenForSilence();
  }

  private retry(): void {
    this.setPhase("waiting");
    this.cancelRetry = this.timers.after(waitMs(this.attempt, this.timers.random()), () => {
      this.connect();
    });
    this.attempt += 1;
  }

  private drop(): void {
    this.cancelRetry?.();
    this.cancelSilence?.();
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  private listenForSilence(): void {
    this.cancelSilence?.();
    this.cancelSilence = this.timers.after(SILENT_MS, () => {
      this.drop();
      this.retry();
    });
  }

  private hear(data: unknown): void {
    this.listenForSilence();
    try {
      if (typeof data === "string") this.take(decodeFeed(data));
      else if (data instanceof ArrayBuffer) this.takeWave(data);
    } catch {
      // Refused by its decoder: one message less, never the feed.
      this.unread += 1;
    }
  }

  private takeWave(data: ArrayBuffer): void {
    const block = decodeWave(data);
    this.room(block.unit).wave(block, this.clock.nowUtcUs());
  }

  private take(message: FeedMessage | null): void {
    if (message === null) return;
    switch (message.t) {
      case "hello":
        this.clock.observe(message.nowUtcUs);
        this.attempt = 0;
        return this.setPhase("open");
      case "tick":
        return this.clock.observe(message.nowUtcUs);
      case "fleet":
        return this.fleet.apply(message);
      case "record":
        return this.room(message.unit).record(message.record);
      case "backfilled":
        return this.room(message.unit).backfilled(message.stream, message.firstUtcUs, message.lastUtcUs);
      case "encounter": {
        const { encounterId, openedUtcUs } = message;
        return this.room(message.unit).setEncounter(message.state === "open" ? { encounterId, openedUtcUs } : null);
      }
      case "advice":
        return this.room(message.unit).advise(message.advice);
      case "handoff":
        return this.room(message.unit).handoff(message.handoff);
      case "room":
        return this.room(message.unit).setView(message.room);
      case "voices":
        return this.room(message.unit).setConversation(message.conversation);
      case "room_event":
        return this.room(message.unit).happened(message.event);
      case "ring":
        return this.rings.take(message.ring);
      case "replaced":
        this.wasReplaced = true;
        return this.sit(null);
      case "state":
        for (const each of this.stateListeners) each(message);
    }
  }

  private setPhase(phase: Phase): void {
    if (phase === this.phaseNow) return;
    if (phase === "open") this.lostUtcUs = null;
    else if (this.phaseNow === "open") this.lostUtcUs = this.clock.nowUtcUs();
    this.phaseNow = phase;
    this.topics.tell("phase");
  }
}

/** Open the feed of the server that this page came from. */
export function openFeed(path = "/api/v1/live"): Socket {
  const scheme = window.location.protocol === "https:" ? "wss" : "ws";
  return new WebSocket(`${scheme}://${window.location.host}${path}`) as unknown as Socket;
}
