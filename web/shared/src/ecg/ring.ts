/**
 * The last seconds of one waveform group, ready to draw.
 * Law: position is the device's own sample count. What did not arrive, or was declared invalid, is
 * NaN and stays a hole; nothing is joined across it.
 */

import { millivoltsPer } from "../units/index.ts";
import type { WaveBlock } from "../wire/wave.ts";

export const KEEP_S = 30;

/** Diagnostic low cut-off, so that an electrode's slow drift does not carry the trace off the paper.
 * Source: IEC 60601-2-25, low-frequency response 0.05 Hz. */
export const BASELINE_HZ = 0.05;

/** How much later than captured a trace is drawn, so that blocks of any length play without stutter. */
const PLAYOUT_MARGIN_US = 60_000;
export const PLAYOUT_MAX_US = 3_000_000;
/** How many blocks back the playout delay remembers its worst. */
const PLAYOUT_MEMORY = 12;

/** A block this far from where its count says it belongs is of another run of the device. */
const ANOTHER_RUN_US = 2_000_000;

type Lane = { values: Float32Array; baseline: number | null };

export class WaveRing {
  private lanes = new Map<string, Lane>();
  private sources = new Map<string, string | null>();
  private capacity = 0;
  private rate = 0;
  private headIndex = 0;
  private firstIndex = 0;
  private anchorIndex = 0;
  private anchorUtcUs = 0;
  private blockUs = 0;
  private arrivedUtcUs: number | null = null;
  private delays: number[] = [];
  private editCount = 0;

  /** `nowUtcUs`: the server's now, to learn how late blocks come; leave out for stored ones. */
  add(block: WaveBlock, nowUtcUs?: number): void {
    const first = block.firstSampleIndex;
    if (this.isAnotherRun(block)) {
      // Stored blocks of a run that has ended must not push the present one aside.
      if (this.rate > 0 && block.lane !== "live") return;
      this.restart(block);
    }
    const end = first + block.sampleCount;
    if (end <= this.headIndex - this.capacity) return;
    if (end > this.headIndex) {
      this.forget(this.headIndex, first);
      this.headIndex = end;
      this.anchorIndex = first;
      this.anchorUtcUs = block.capturedUtcUs;
      this.blockUs = (block.sampleCount / block.rateHz) * 1_000_000;
      if (nowUtcUs !== undefined && block.lane === "live") {
        this.arrivedUtcUs = nowUtcUs;
        this.learnDelay(nowUtcUs - block.capturedUtcUs);
      }
    } else {
      this.editCount += 1;
    }
    this.firstIndex = Math.min(this.firstIndex, first);
    for (const channel of block.channels) this.write(block, channel);
  }

  get rateHz(): number {
    return this.rate;
  }

  /** One past the newest sample. */
  get head(): number {
    return this.headIndex;
  }

  /** The oldest sample still held. */
  get tail(): number {
    return Math.max(this.firstIndex, this.headIndex - this.capacity);
  }

  /** Rises when something already drawn has changed: a hole was filled, the device began anew. */
  get edits(): number {
    return this.editCount;
  }

  /** How long one block lasts: no sample can be newer than this when it arrives. */
  get blockLengthUs(): number {
    return this.blockUs;
  }

  /** How far behind the server's now this trace should be drawn. */
  get playoutUs(): number {
    const worst = Math.max(0, ...this.delays);
    return Math.min(PLAYOUT_MAX_US, worst + PLAYOUT_MARGIN_US);
  }

  codes(): string[] {
    return [...this.lanes.keys()];
  }

  /** Who made this channel, as the device says. */
  sourceOf(code: string): string | null {
    return this.sources.get(code) ?? null;
  }

  /** When sample `index` was taken. */
  utcOf(index: number): number {
    return this.anchorUtcUs + ((index - this.anchorIndex) / this.rate) * 1_000_000;
  }

  /** The sample taken at `utcUs`; may lie before the tail or past the head. */
  indexAt(utcUs: number): number {
    return Math.floor(this.anchorIndex + ((utcUs - this.anchorUtcUs) / 1_000_000) * this.rate);
  }

  /** When the newest block came, if it came live. */
  get lastArrivedUtcUs(): number | null {
    return this.arrivedUtcUs;
  }

  /** When the newest sample was taken; null before the first block. */
  get lastCapturedUtcUs(): number | null {
    return this.rate === 0 ? null : this.utcOf(this.headIndex - 1);
  }

  /** A reader of one channel: its value at an index, NaN where there is none. */
  reader(code: string): ((index: number) => number) | null {
    const lane = this.lanes.get(code);
    if (lane === undefined) return null;
    const { values } = lane;
    const size = values.length;
    return (index) => (index < this.tail || index >= this.headIndex ? Number.NaN : (values[index % size] ?? Number.NaN));
  }

  private isAnotherRun(block: WaveBlock): boolean {
    if (this.rate !== block.rateHz) return true;
    if (block.channels.some((each) => !this.lanes.has(each.code))) return true;
    // A device that began anew counts from zero again while its clock runs on.
    const expectedUtcUs = this.utcOf(block.firstSampleIndex);
    return Math.abs(block.capturedUtcUs - expectedUtcUs) > ANOTHER_RUN_US;
  }

  private restart(block: WaveBlock): void {
    this.rate = block.rateHz;
    this.capacity = Math.ceil(KEEP_S * block.rateHz);
    this.lanes = new Map(
      block.channels.map((each) => [
        each.code,
        { values: new Float32Array(this.capacity).fill(Number.NaN), baseline: null },
      ]),
    );
    this.headIndex = block.firstSampleIndex;
    this.firstIndex = block.firstSampleIndex;
    this.delays = [];
    this.editCount += 1;
  }

  /** Make samples `from` … `to` − 1 a hole. */
  private forget(from: number, to: number): void {
    const begin = Math.max(from, to - this.capacity);
    for (const lane of this.lanes.values()) {
      if (to > from) lane.baseline = null;
      for (let index = begin; index < to; index += 1) lane.values[index % this.capacity] = Number.NaN;
    }
  }

  private write(block: WaveBlock, channel: WaveBlock["channels"][number]): void {
    const lane = this.lanes.get(channel.code);
    if (lane === undefined) return;
    this.sources.set(channel.code, channel.source);
    const perMillivolt = millivoltsPer(channel.unit);
    const scale = channel.gain * (perMillivolt ?? 1);
    const follow = perMillivolt === null ? 0 : 1 - Math.exp((-2 * Math.PI * BASELINE_HZ) / block.rateHz);
    const { samples } = channel;
    let baseline = perMillivolt === null ? 0 : (lane.baseline ?? medianOf(samples, block.missing, channel.offset, scale));
    for (let i = 0; i < samples.length; i += 1) {
      const raw = samples[i] ?? 0;
      const index = block.firstSampleIndex + i;
      if (raw === block.missing) {
        lane.values[index % this.capacity] = Number.NaN;
        continue;
      }
      const value = (raw - channel.offset) * scale;
      baseline += (value - baseline) * follow;
      lane.values[index % this.capacity] = value - baseline;
    }
    if (block.firstSampleIndex + block.sampleCount === this.headIndex) lane.baseline = baseline;
  }

  private learnDelay(delayUs: number): void {
    this.delays.push(Math.max(0, delayUs));
    if (this.delays.length > PLAYOUT_MEMORY) this.delays.shift();
  }
}

function medianOf(samples: Int32Array, missing: number | null, offset: number, scale: number): number {
  const valid = missing === null ? samples.slice() : samples.filter((each) => each !== missing);
  if (valid.length === 0) return 0;
  valid.sort();
  return ((valid[Math.floor(valid.length / 2)] ?? 0) - offset) * scale;
}
