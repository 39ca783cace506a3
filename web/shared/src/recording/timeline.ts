/** What there is to see of a span of time. Law: what is not there is a piece of its own, never a jump. */

export type Segment = { segment: string; camera: string; firstUtcUs: number; lastUtcUs: number };

export type Piece =
  | { kind: "film"; fromUtcUs: number; toUtcUs: number; segment: Segment }
  | { kind: "coming"; fromUtcUs: number; toUtcUs: number }
  | { kind: "hole"; fromUtcUs: number; toUtcUs: number };

/** Segments follow one another by a picture's length; less than this apart, nothing is missing. */
const JOIN_US = 700_000;

/**
 * One camera's pieces over the span, without a gap between them: what can be played, what the
 * vehicle still has, and what nobody has.
 */
export function piecesOf(here: readonly Segment[], coming: readonly Segment[], fromUtcUs: number, toUtcUs: number): Piece[] {
  const known = [
    ...here.map((segment) => ({ segment, isHere: true })),
    ...coming.map((segment) => ({ segment, isHere: false })),
  ].sort((a, b) => a.segment.firstUtcUs - b.segment.firstUtcUs);
  const pieces: Piece[] = [];
  let atUtcUs = fromUtcUs;
  for (const { segment, isHere } of known) {
    const { firstUtcUs, lastUtcUs } = segment;
    if (lastUtcUs <= atUtcUs || firstUtcUs >= toUtcUs) continue;
    if (firstUtcUs > atUtcUs + JOIN_US) pieces.push({ kind: "hole", fromUtcUs: atUtcUs, toUtcUs: firstUtcUs });
    const begunUtcUs = firstUtcUs > atUtcUs + JOIN_US ? firstUtcUs : atUtcUs;
    if (isHere) pieces.push({ kind: "film", fromUtcUs: begunUtcUs, toUtcUs: lastUtcUs, segment });
    else pieces.push({ kind: "coming", fromUtcUs: begunUtcUs, toUtcUs: lastUtcUs });
    atUtcUs = lastUtcUs;
  }
  if (toUtcUs > atUtcUs + JOIN_US) pieces.push({ kind: "hole", fromUtcUs: atUtcUs, toUtcUs });
  return pieces;
}

/** The piece at a moment; null outside the span. */
export function pieceAt(pieces: readonly Piece[], utcUs: number): Piece | null {
  return pieces.find((piece) => piece.fromUtcUs <= utcUs && utcUs < piece.toUtcUs) ?? null;
}

/** Where the next film begins at or after a moment; null where none does. */
export function nextFilmUtcUs(pieces: readonly Piece[], utcUs: number): number | null {
  const next = pieces.find((piece) => piece.kind === "film" && piece.toUtcUs > utcUs);
  return next === undefined ? null : Math.max(next.fromUtcUs, utcUs);
}
