/** Everything that a screen knows of one watched unit, outside React. */

import { type AlarmEpisode, AlarmHistory } from "../alarm/history.ts";
import type { PatientNote, Score } from "../wire/bodies.ts";
import { readAlarm, readPatient, readScore, readVitals } from "../wire/bodies.ts";
import type { Advice } from "../wire/advice.ts";
import type { Handoff, StreamRecord } from "../wire/feed.ts";
import type { Conversation, Happening, RoomView } from "../wire/room.ts";
import type { WaveBlock } from "../wire/wave.ts";
import { WaveRing } from "../ecg/ring.ts";
import { Stills } from "./stills.ts";
import { Topics } from "./topics.ts";
import { Vitals } from "./vitals.ts";

export type Stamped<T> = T & { capturedUtcUs: number };

/** What a part of a screen listens to. */
export type Part = "vitals" | "score" | "alarms" | "advice" | "handoff" | "patient" | "waves" | "backfill" | "gaps" | "encounter" | "stills" | "people" | "voices" | "record";

/** A hole for good: accepted on the vehicle, then lost, with the reason. */
export type RecordGap = { stream: string; firstUtcUs: number | null; lastUtcUs: number | null; reason: string };

export type OpenEncounter = { encounterId: string; openedUtcUs: number | null };

export class Room {
  readonly vitals = new Vitals();
  readonly stills = new Stills();
  readonly waves = new Map<string, WaveRing>();
  private readonly alarms = new AlarmHistory();
  private readonly adviceById = new Map<string, Advice>();
  private readonly handoffById = new Map<string, Handoff>();
  private newestScore: Stamped<Score> | null = null;
  private newestPatient: Stamped<PatientNote> | null = null;
  private openEncounter: OpenEncounter | null = null;
  private talk: Conversation | null = null;
  private gapList: RecordGap[] = [];
  private backfilledUtcUs: { stream: string; firstUtcUs: number; lastUtcUs: number } | null = null;
  private readonly topics = new Topics();
  private readonly versions = new Map<Part, number>();

  constructor(readonly unit: string) {}

  /** Take in one record; streams and kinds that no screen shows are passed over. */
  record(record: StreamRecord): void {
    const { body, capturedUtcUs } = record;
    switch (record.stream) {
      case "vitals":
        this.vitals.add(capturedUtcUs, readVitals(body));
        return this.tell("vitals");
      case "triage": {
        const score = readScore(body);
        if (score.score !== "news2" || capturedUtcUs < (this.newestScore?.capturedUtcUs ?? 0)) return;
        this.newestScore = { ...score, capturedUtcUs };
        return this.tell("score");
      }
      case "alarm": {
        if (body.text("kind") !== "alarm") return;
        this.alarms.take(readAlarm(body), capturedUtcUs);
        this.alarmSnapshot = this.alarms.all();
        return this.tell("alarms");
      }
      case "still":
        if (body.text("kind") === "still" && this.stills.add(capturedUtcUs, body)) this.tell("stills");
        return;
      case "chart":
        if (body.text("kind") !== "patient" || capturedUtcUs < (this.newestPatient?.capturedUtcUs ?? 0)) return;
        this.newestPatient = { ...readPatient(body), capturedUtcUs };
        return this.tell("patient");
      default:
    }
  }

  /** Take in many records and tell each part once. */
  records(records: readonly StreamRecord[]): void {
    this.held = new Set();
    try {
      for (const each of records) this.record(each);
    } finally {
      const parts = this.held;
      this.held = null;
      for (const part of parts) this.tell(part);
    }
  }

  /** `nowUtcUs`: the server's now, for a block that has just come; leave out for stored ones. */
  wave(block: WaveBlock, nowUtcUs?: number): void {
    const ring = this.waves.get(block.group) ?? new WaveRing();
    this.waves.set(block.group, ring);
    ring.add(block, nowUtcUs);
    this.tell("waves");
  }

  /** Take in an advice; an answer to a request may arrive after the feed has told what came next. */
  advise(advice: Advice): void {
    if (advice.steps.length < (this.adviceById.get(advice.adviceId)?.steps.length ?? 0)) return;
    this.adviceById.set(advice.adviceId, advice);
    this.adviceSnapshot = [...this.adviceById.values()].sort((a, b) => b.givenUtcUs - a.givenUtcUs);
    this.tell("advice");
  }

  handoff(handoff: Handoff): void {
    this.handoffById.set(handoff.handoverId, handoff);
    this.handoffSnapshot = [...this.handoffById.values()].sort(
      (a, b) => (b.updatedUtcUs ?? 0) - (a.updatedUtcUs ?? 0),
    );
    this.tell("handoff");
  }

  /** An encounter of this unit was opened; null: it was closed. */
  setEncounter(encounter: OpenEncounter | null): void {
    this.openEncounter = encounter;
    this.tell("encounter");
  }

  backfilled(stream: string, firstUtcUs: number, lastUtcUs: number): void {
    this.backfilledUtcUs = { stream, firstUtcUs, lastUtcUs };
    this.tell("backfill");
  }

  /** Who is in the room and who is rung. */
  setView(view: RoomView): void {
    this.roomView = view;
    this.tell("people");
  }

  /** One thing that happened; what is known is not doubled. */
  happened(event: Happening): void {
    if (event.number !== null) this.eventByNumber.set(event.number, event);
    this.eventSnapshot = [...this.eventByNumber.values()].sort((a, b) => a.atUtcUs - b.atUtcUs || (a.number ?? 0) - (b.number ?? 0));
    this.tell("record");
  }

  setConversation(conversation: Conversation): void {
    this.talk = conversation;
    this.tell("voices");
  }

  /** Who is in the conversation of the open encounter. */
  get conversation(): Conversation | null {
    const { talk } = this;
    return talk !== null && talk.encounterId === this.openEncounter?.encounterId ? talk : null;
  }

  get view(): RoomView | null {
    return this.roomView;
  }

  /** What happened in the room, oldest first; the steps of an advice are with the advice. */
  get events(): readonly Happening[] {
    return this.eventSnapshot;
  }

  setGaps(gaps: RecordGap[]): void {
    this.gapList = gaps;
    this.tell("gaps");
  }

  get encounter(): OpenEncounter | null {
    return this.openEncounter;
  }

  get score(): Stamped<Score> | null {
    return this.newestScore;
  }

  get patient(): Stamped<PatientNote> | null {
    return this.newestPatient;
  }

  get gaps(): readonly RecordGap[] {
    return this.gapList;
  }

  get lastBackfill(): { stream: string; firstUtcUs: number; lastUtcUs: number } | null {
    return this.backfilledUtcUs;
  }

  /** Alarms from beginning to end, newest first. What stands is told by the unit's view. */
  get alarmHistory(): readonly AlarmEpisode[] {
    return this.alarmSnapshot;
  }

  /** Newest first. */
  get advice(): readonly Advice[] {
    return this.adviceSnapshot;
  }

  get handoffs(): readonly Handoff[] {
    return this.handoffSnapshot;
  }

  subscribe(part: Part, listener: () => void): () => void {
    return this.topics.subscribe(part, listener);
  }

  /** Rises with each change of `part`: a snapshot for `useSyncExternalStore`. */
  version(part: Part): number {
    return this.versions.get(part) ?? 0;
  }

  private roomView: RoomView | null = null;
  private readonly eventByNumber = new Map<number, Happening>();
  private eventSnapshot: readonly Happening[] = [];
  private adviceSnapshot: readonly Advice[] = [];
  private alarmSnapshot: readonly AlarmEpisode[] = [];
  private handoffSnapshot: readonly Handoff[] = [];
  private held: Set<Part> | null = null;

  private tell(part: Part): void {
    if (this.held !== null) {
      this.held.add(part);
      return;
    }
    this.versions.set(part, this.version(part) + 1);
    this.topics.tell(part);
  }
}
