/** What went wrong, in the one shape of the product's errors (RFC 9457 with `code` and `facts`). */

import type { T } from "../i18n/index.ts";
import { Fields } from "../wire/decode.ts";

export class Problem extends Error {
  constructor(
    /** HTTP status; 0 when the server did not answer. */
    readonly status: number,
    /** Dotted and stable; "network" when the server did not answer. */
    readonly code: string,
    message: string,
    readonly traceId: string | null,
  ) {
    super(message);
    this.name = "Problem";
  }
}

export function networkProblem(error: unknown): Problem {
  return new Problem(0, "network", error instanceof Error ? error.message : String(error), null);
}

/** Read a problem+json body; a body of another shape still gives its status. */
export function problemOf(status: number, body: unknown): Problem {
  try {
    const f = Fields.of(body);
    const message = f.textOr("message") ?? f.textOr("detail") ?? f.textOr("title") ?? `HTTP ${status}`;
    return new Problem(status, f.textOr("code") ?? `http.${status}`, message, f.textOr("trace_id"));
  } catch {
    return new Problem(status, `http.${status}`, `HTTP ${status}`, null);
  }
}

export type Kind = "network" | "forbidden" | "notFound" | "conflict" | "invalid" | "tooMany" | "server";

export function kindOf(problem: Problem): Kind {
  switch (problem.status) {
    case 0:
      return "network";
    case 401:
    case 403:
      return "forbidden";
    case 404:
    case 410:
      return "notFound";
    case 409:
      return "conflict";
    case 429:
      return "tooMany";
    default:
      return problem.status < 500 ? "invalid" : "server";
  }
}

/** The three sentences of an error: what happened, what was kept, what to do. */
export function sentencesOf(t: T, problem: Problem): { what: string; kept: string; todo: string } {
  const kind = kindOf(problem);
  const facts = { message: problem.message, trace: problem.traceId ?? problem.code };
  return {
    what: t(`error.${kind}.what`, facts),
    kept: t(`error.${kind}.kept`),
    todo: t(`error.${kind}.todo`, facts),
  };
}
