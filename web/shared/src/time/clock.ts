/**
 * The server's clock, as a screen knows it. Law: an age is "server's now − captured", where now
 * runs on this machine's monotonic clock, so that neither a wrong wall clock nor a silent server
 * makes a stale value look fresh.
 */

export type Monotonic = () => number;

/** A step back this small is network jitter; a larger one is a clock that was set. */
const JITTER_US = 2_000_000;

export class ServerClock {
  private offsetUs: number | null = null;

  /** `monotonicMs`: never goes back. `wallMs`: used only until the server has spoken. */
  constructor(
    private readonly monotonicMs: Monotonic = () => performance.now(),
    private readonly wallMs: Monotonic = () => Date.now(),
  ) {}

  /** The server said that it is `serverUtcUs` now. The least delayed message is the most right. */
  observe(serverUtcUs: number): void {
    const offset = serverUtcUs - this.monotonicMs() * 1_000;
    if (this.offsetUs === null || offset > this.offsetUs || offset < this.offsetUs - JITTER_US) {
      this.offsetUs = offset;
      return;
    }
    // A message that took longer reads as an earlier clock: follow true drift slowly.
    this.offsetUs += (offset - this.offsetUs) * 0.02;
  }

  /** Whether the server's clock is known. */
  get isKnown(): boolean {
    return this.offsetUs !== null;
  }

  nowUtcUs(): number {
    return this.offsetUs === null ? this.wallMs() * 1_000 : this.monotonicMs() * 1_000 + this.offsetUs;
  }
}
