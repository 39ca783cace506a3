/** What is asked of the encoder in the answer to our offer. Pure. */

export const FULL_BPS = 24_000;

const FRUGAL = `useinbandfec=1;usedtx=1;maxaveragebitrate=${FULL_BPS};stereo=0`;

/**
 * The hub's answer with what a voice needs: little, and next to nothing in the pauses between words
 * (DTX). Source: RFC 7587, 6.1: these are wishes of who receives.
 */
export function frugal(answer: string): string {
  const lines = answer.split(/\r?\n/u);
  const types = new Set(lines.flatMap((line) => /^a=rtpmap:(\d+) opus\//iu.exec(line)?.[1] ?? []));
  const kept = lines.filter((line) => !types.has(/^a=fmtp:(\d+) /u.exec(line)?.[1] ?? ""));
  const written = kept.flatMap((line) => {
    const type = /^a=rtpmap:(\d+) opus\//iu.exec(line)?.[1];
    return type === undefined ? [line] : [line, `a=fmtp:${type} ${FRUGAL}`];
  });
  return written.join("\r\n");
}
