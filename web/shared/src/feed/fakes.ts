/** What the tests of the feed have in the place of a network and of time. */

import type { Socket, Timers } from "./client.ts";

/** A socket that the test holds the other end of. */
export class FakeSocket implements Socket {
  binaryType: BinaryType = "blob";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: string[] = [];
  isClosed = false;

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Time that moves when the test says so. */
export class FakeTimers implements Timers {
  private waiting: { atMs: number; run: () => void }[] = [];
  nowMs = 0;
  random = (): number => 0.5;

  after = (ms: number, run: () => void): (() => void) => {
    const entry = { atMs: this.nowMs + ms, run };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((each) => each !== entry);
    };
  };

  pass(ms: number): void {
    this.nowMs += ms;
    const due = this.waiting.filter((each) => each.atMs <= this.nowMs);
    this.waiting = this.waiting.filter((each) => each.atMs > this.nowMs);
    for (const each of due) each.run();
  }
}
