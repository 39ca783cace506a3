/** Calls to the server that this page came from. Every failure is a `Problem`. */

import { networkProblem, problemOf } from "./problem.ts";

export const API = "/api/v1";

type Method = "GET" | "POST" | "DELETE";

/** Who hears that the session has ended: the sign-in page comes back and the screen stays behind it. */
let onSessionEnded: (() => void) | null = null;

export function whenSessionEnds(listener: (() => void) | null): void {
  onSessionEnded = listener;
}

async function call(method: Method, path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`${API}${path}`, { method, credentials: "same-origin", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw networkProblem(error);
  }
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  if (response.status === 401 && path !== "/session") onSessionEnded?.();
  throw problemOf(response.status, body);
}

/** @throws Problem */
export async function getJson(path: string, signal?: AbortSignal): Promise<unknown> {
  const response = await call("GET", path, signal === undefined ? {} : { signal });
  return (await response.json()) as unknown;
}

/** @throws Problem */
export async function getBytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  const response = await call("GET", path, signal === undefined ? {} : { signal });
  return response.arrayBuffer();
}

/** @throws Problem */
export async function postJson(path: string, body: unknown = {}): Promise<unknown> {
  const response = await call("POST", path, {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return text === "" ? null : (JSON.parse(text) as unknown);
}

/** @throws Problem */
export async function postText(
  path: string,
  body: string,
  headers: Record<string, string>,
): Promise<{ text: string; location: string | null }> {
  const response = await call("POST", path, { headers, body });
  return { text: await response.text(), location: response.headers.get("location") };
}

/** @throws Problem */
export async function removeJson(path: string): Promise<unknown> {
  const response = await call("DELETE", path, {});
  return (await response.json()) as unknown;
}

/** @throws Problem */
export async function remove(path: string): Promise<void> {
  await call("DELETE", path, {});
}


