/** One's place in a room's conversation: one connection that brings one's voice and the others'. */

import { gathered } from "../video/whep.ts";
import { frugal, FULL_BPS } from "./sdp.ts";

/** Others who may be heard at the same time; of more, the hub gives those who speak. */
const STREAMS = 4;
const LEAST_BPS = 6_000;

/** Why there is no microphone. */
export type MicProblem = "blocked" | "missing" | "busy" | "insecure";

/** Asks the server: an offer in, an answer and the way out of it back. */
export type Ask = (offer: string) => Promise<{ answer: string; end: () => void }>;

export type LineState = { isUp: boolean; isLost: boolean; isMuted: boolean; isHushed: boolean; problem: MicProblem | null };

const BEGINNING: LineState = { isUp: false, isLost: false, isMuted: true, isHushed: false, problem: null };

/** Joins muted; nothing leaves the microphone, which is not even opened, until `unmute`. */
export class VoiceLine {
  private state = BEGINNING;
  private readonly peer = new RTCPeerConnection({ iceServers: [] });
  private readonly players: HTMLAudioElement[] = [];
  private readonly sender: RTCRtpSender;
  private microphone: MediaStreamTrack | null = null;
  private endSession: (() => void) | null = null;
  private isClosed = false;
  private limitBps = FULL_BPS;

  constructor(private readonly onChange: (state: LineState) => void) {
    this.sender = this.peer.addTransceiver("audio", { direction: "sendonly" }).sender;
    for (let index = 0; index < STREAMS; index += 1) {
      const { receiver } = this.peer.addTransceiver("audio", { direction: "recvonly" });
      const player = new Audio();
      player.srcObject = new MediaStream([receiver.track]);
      this.players.push(player);
    }
    this.peer.addEventListener("connectionstatechange", () => {
      const now = this.peer.connectionState;
      if (now === "connected") this.set({ isUp: true });
      else if (now === "failed" || now === "closed") this.set({ isUp: false, isLost: true });
    });
  }

  /** @throws Problem: the server refused, or is not reached. */
  async join(ask: Ask): Promise<void> {
    await this.peer.setLocalDescription(await this.peer.createOffer());
    await gathered(this.peer);
    const { answer, end } = await ask(this.peer.localDescription?.sdp ?? "");
    this.endSession = end;
    if (this.isClosed) {
      end();
      return;
    }
    await this.peer.setRemoteDescription({ type: "answer", sdp: frugal(answer) });
    await this.limit(this.limitBps);
    await this.listen();
  }

  /** Play what comes; a browser may want a press first, and then this is to be called from one. */
  async listen(): Promise<void> {
    try {
      await Promise.all(this.players.map((each) => each.play()));
      this.set({ isHushed: false });
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.set({ isHushed: true });
    }
  }

  /** Open the microphone and be heard; without one, say what is wrong with it. */
  async unmute(): Promise<void> {
    this.set({ problem: null });
    if (!("mediaDevices" in navigator)) {
      this.set({ problem: "insecure" });
      return;
    }
    try {
      const opened = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
      const [track] = opened.getAudioTracks();
      if (track === undefined || this.isClosed) {
        for (const each of opened.getTracks()) each.stop();
        return;
      }
      track.addEventListener("ended", () => {
        this.set({ isMuted: true, problem: "missing" });
      });
      this.microphone?.stop();
      this.microphone = track;
      await this.sender.replaceTrack(track);
      this.set({ isMuted: false });
    } catch (error) {
      this.set({ problem: problemOf(error), isMuted: true });
    }
  }

  /** Close the microphone: from now on nothing is sent. */
  async mute(): Promise<void> {
    const track = this.microphone;
    this.microphone = null;
    track?.stop();
    this.set({ isMuted: true, problem: null });
    await this.sender.replaceTrack(null).catch(() => undefined);
  }

  /** Use at most so much of the link, bit/s. */
  async limit(bps: number): Promise<void> {
    this.limitBps = Math.min(FULL_BPS, Math.max(LEAST_BPS, bps));
    const parameters = this.sender.getParameters();
    const [encoding] = parameters.encodings;
    if (encoding === undefined || encoding.maxBitrate === this.limitBps) return;
    encoding.maxBitrate = this.limitBps;
    await this.sender.setParameters(parameters).catch(() => undefined); // asked again with the next step
  }

  /** Leave. Microphone, sound and connection are gone when this returns. */
  close(): void {
    this.isClosed = true;
    this.microphone?.stop();
    this.microphone = null;
    for (const player of this.players) {
      player.pause();
      player.srcObject = null;
    }
    this.peer.close();
    this.endSession?.();
    this.endSession = null;
  }

  private set(change: Partial<LineState>): void {
    if (this.isClosed) return;
    this.state = { ...this.state, ...change };
    this.onChange(this.state);
  }
}

/** What a refused microphone means. Source: W3C Media Capture and Streams, 9.2. */
export function problemOf(error: unknown): MicProblem {
  const name = error instanceof DOMException || error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "blocked";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  return "busy";
}
