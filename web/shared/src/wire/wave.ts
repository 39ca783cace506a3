/** The live feed's binary messages: one waveform block. Mirrors `protocols/live/wave.py`. */

import { Fields, WireError } from "./decode.ts";

export type WaveChannel = {
  /** IEEE 11073-10101 reference id: `MDC_ECG_LEAD_II`, `MDC_PULS_OXIM_PLETH`. */
  code: string;
  unit: string;
  /** Units per bit; value = (sample − offset) × gain. */
  gain: number;
  offset: number;
  source: string | null;
  samples: Int32Array;
};

/** Sample i of every channel was taken at `capturedUtcUs + i / rateHz`. */
export type WaveBlock = {
  unit: string;
  seq: number;
  group: string;
  capturedUtcUs: number;
  lane: string;
  rateHz: number;
  sampleCount: number;
  /** Counts since the device began its run: a hole in the numbers is a hole in time. */
  firstSampleIndex: number;
  /** The sample value that the device uses for "invalid". */
  missing: number | null;
  channels: WaveChannel[];
};

const LENGTH_BYTES = 4;
const SAMPLE_BYTES = 4;
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Return the block in `message`.
 *
 * @throws WireError, SyntaxError: lengths do not agree or the header is not what the protocol says.
 */
export function decodeWave(message: ArrayBuffer): WaveBlock {
  if (message.byteLength < LENGTH_BYTES) throw new WireError("wave.length");
  const view = new DataView(message);
  const headBytes = view.getUint32(0, true);
  if (headBytes > MAX_HEADER_BYTES || LENGTH_BYTES + headBytes > message.byteLength) throw new WireError("wave.header");
  const head = Fields.of(JSON.parse(new TextDecoder().decode(new Uint8Array(message, LENGTH_BYTES, headBytes))), "wave");
  const sampleCount = head.number("sample_count");
  const rateHz = head.number("rate_hz");
  if (!Number.isInteger(sampleCount) || sampleCount < 1 || rateHz <= 0) throw new WireError("wave.sample_count");
  const start = LENGTH_BYTES + headBytes;
  const channels = head.list("channels", (item, path) => {
    const channel = Fields.of(item, path);
    return {
      code: channel.text("code"),
      unit: channel.text("unit"),
      gain: channel.number("gain"),
      offset: channel.numberOr("offset") ?? 0,
      source: channel.textOr("source"),
    };
  });
  if (message.byteLength !== start + channels.length * sampleCount * SAMPLE_BYTES) throw new WireError("wave.samples");
  return {
    unit: head.text("unit"),
    seq: head.number("seq"),
    group: head.text("group"),
    capturedUtcUs: head.number("captured_utc_us"),
    lane: head.text("lane"),
    rateHz,
    sampleCount,
    firstSampleIndex: head.number("first_sample_index"),
    missing: head.numberOr("missing"),
    channels: channels.map((channel, index) => ({
      ...channel,
      samples: readSamples(view, start + index * sampleCount * SAMPLE_BYTES, sampleCount),
    })),
  };
}

/** Return the blocks of a `GET …/waveform` answer: each behind its own `u32 LE` length. */
export function decodeWaves(body: ArrayBuffer): WaveBlock[] {
  const blocks: WaveBlock[] = [];
  const view = new DataView(body);
  let at = 0;
  while (at < body.byteLength) {
    if (at + LENGTH_BYTES > body.byteLength) throw new WireError("waves.length");
    const size = view.getUint32(at, true);
    at += LENGTH_BYTES;
    if (at + size > body.byteLength) throw new WireError("waves.block");
    blocks.push(decodeWave(body.slice(at, at + size)));
    at += size;
  }
  return blocks;
}

/** The header is padded so that this is aligned on the wire; a copy is safe wherever it lies. */
function readSamples(view: DataView, start: number, count: number): Int32Array {
  const samples = new Int32Array(count);
  for (let i = 0; i < count; i += 1) samples[i] = view.getInt32(start + i * SAMPLE_BYTES, true);
  return samples;
}
