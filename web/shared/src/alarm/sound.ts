/**
 * Alarm sounds as bursts of pulses. Source: IEC 60601-1-8, auditory alarm signals: high, ten pulses
 * (3 + 2, twice); medium, three; low, two. Each pulse has a fundamental within 150–1,000 Hz and
 * harmonics above it; more urgent is faster and repeats sooner.
 */

import type { AlarmPriority } from "../wire/bodies.ts";

export type Burst = { atS: readonly number[]; pulseS: number; repeatS: number; frequencyHz: readonly number[] };

export const BURSTS: Readonly<Record<AlarmPriority, Burst>> = {
  high: {
    atS: [0, 0.25, 0.5, 0.85, 1.1, 1.85, 2.1, 2.35, 2.7, 2.95],
    pulseS: 0.15,
    repeatS: 5,
    frequencyHz: [523, 523, 523, 698, 523, 523, 523, 523, 698, 523],
  },
  medium: { atS: [0, 0.4, 0.8], pulseS: 0.2, repeatS: 12, frequencyHz: [523, 494, 440] },
  low: { atS: [0, 0.4], pulseS: 0.2, repeatS: 30, frequencyHz: [440, 349] },
};

const PEAK_GAIN = 0.25;
const RISE_S = 0.02;

/** Sounds until stopped; browsers may hold it back until the page has been touched once. */
export class AlarmSound {
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;
  private sounding: AlarmPriority | null = null;

  start(priority: AlarmPriority): void {
    if (this.sounding === priority) return;
    this.stop();
    this.sounding = priority;
    this.context ??= new AudioContext();
    void this.context.resume();
    this.burst(priority);
    this.timer = setInterval(() => {
      this.burst(priority);
    }, BURSTS[priority].repeatS * 1_000);
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.sounding = null;
  }

  private burst(priority: AlarmPriority): void {
    const { context } = this;
    if (context?.state !== "running") {
      void context?.resume();
    }
    if (context === null) return;
    const { atS, pulseS, frequencyHz } = BURSTS[priority];
    atS.forEach((at, index) => {
      pulse(context, context.currentTime + at, pulseS, frequencyHz[index] ?? 523);
    });
  }
}

/** One pulse: a fundamental with three falling harmonics, eased in and out so that it does not click. */
function pulse(context: AudioContext, at: number, lengthS: number, frequencyHz: number): void {
  const envelope = context.createGain();
  envelope.gain.setValueAtTime(0, at);
  envelope.gain.linearRampToValueAtTime(PEAK_GAIN, at + RISE_S);
  envelope.gain.setValueAtTime(PEAK_GAIN, at + lengthS - RISE_S);
  envelope.gain.linearRampToValueAtTime(0, at + lengthS);
  envelope.connect(context.destination);
  [1, 0.6, 0.4, 0.25].forEach((level, index) => {
    const tone = context.createOscillator();
    const share = context.createGain();
    share.gain.value = level / 2.25;
    tone.frequency.value = frequencyHz * (index + 1);
    tone.connect(share).connect(envelope);
    tone.start(at);
    tone.stop(at + lengthS);
  });
}
