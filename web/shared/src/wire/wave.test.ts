import { describe, expect, test } from "vitest";

import { WAVE_BASE64 } from "./captured.ts";
import { decodeWave, decodeWaves } from "./wave.ts";

const bytes = (base64: string): ArrayBuffer => new Uint8Array(Buffer.from(base64, "base64")).buffer;

describe("a waveform message", () => {
  test("written by the server is read to the last bit", () => {
    const block = decodeWave(bytes(WAVE_BASE64));
    expect(block).toMatchObject({ unit: "A01", group: "ecg", rateHz: 500, sampleCount: 3, firstSampleIndex: 1500, missing: -32768 });
    expect(block.channels.map((each) => each.code)).toEqual(["MDC_ECG_LEAD_I", "MDC_ECG_LEAD_II"]);
    expect([...(block.channels[0]?.samples ?? [])]).toEqual([1, -2, 3]);
    expect([...(block.channels[1]?.samples ?? [])]).toEqual([2147483647, -2147483648, -32768]);
    expect(block.channels[1]).toMatchObject({ gain: 2.5, offset: 10, source: null });
  });

  test("cut short at any byte is refused and never half read", () => {
    const whole = bytes(WAVE_BASE64);
    for (let length = 0; length < whole.byteLength; length += 1) {
      expect(() => decodeWave(whole.slice(0, length))).toThrow();
    }
  });

  test("with a header that claims more samples than it carries is refused", () => {
    const text = new TextDecoder("latin1").decode(bytes(WAVE_BASE64)).replace('"sample_count":3', '"sample_count":9');
    const forged = Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer;
    expect(() => decodeWave(forged)).toThrow("wave.samples");
  });

  test("several in one answer are read one after another", () => {
    const one = new Uint8Array(bytes(WAVE_BASE64));
    const answer = new Uint8Array(2 * (4 + one.length));
    const view = new DataView(answer.buffer);
    view.setUint32(0, one.length, true);
    answer.set(one, 4);
    view.setUint32(4 + one.length, one.length, true);
    answer.set(one, 8 + one.length);
    expect(decodeWaves(answer.buffer)).toHaveLength(2);
    expect(() => decodeWaves(answer.buffer.slice(0, -1))).toThrow("waves.block");
    expect(decodeWaves(new ArrayBuffer(0))).toEqual([]);
  });
});
