// @vitest-environment jsdom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { FEED } from "../wire/captured.ts";
import { FeedClient } from "./client.ts";
import { FeedProvider } from "./context.tsx";
import { FakeSocket, FakeTimers } from "./fakes.ts";
import { useRoom } from "./useRoom.ts";

const WITH_ENCOUNTER = FEED.fleet.replace('"encounter_id":null', '"encounter_id":"e"');
const OPEN = { encounter_id: "e", unit: "A01", state: "open", opened_utc_us: 7, opened_by: "Dr Chen", run_id: null };

let sockets: FakeSocket[];
let timers: FakeTimers;
let feed: FeedClient;
let root: Root;
let asked: string[];
let open: (typeof OPEN)[];

function Probe() {
  const { room } = useRoom("A01");
  return <p>{room.encounter?.encounterId ?? "none"}</p>;
}

beforeEach(async () => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  sockets = [];
  asked = [];
  open = [OPEN];
  timers = new FakeTimers();
  feed = new FeedClient(() => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket;
  }, timers);
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    if (url.endsWith("/encounters?state=open")) return Promise.resolve(Response.json({ encounters: open }));
    return Promise.resolve(Response.json({ title: "not here" }, { status: 404 }));
  });
  root = createRoot(document.createElement("div"));
  await settled(() => {
    root.render(
      <FeedProvider feed={feed}>
        <Probe />
      </FeedProvider>,
    );
    feed.start();
  });
});

afterEach(async () => {
  await settled(() => {
    root.unmount();
    feed.stop();
  });
  vi.unstubAllGlobals();
});

/** Do it, and let every answer that follows be taken: each is there at once. */
async function settled(run: () => void): Promise<void> {
  await act(async () => {
    run();
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
}

async function told(...messages: string[]): Promise<void> {
  await settled(() => {
    for (const data of messages) sockets.at(-1)?.onmessage?.({ data });
  });
  await settled(() => undefined); // what an answer made the page ask
}

async function awayAndBack(): Promise<void> {
  await settled(() => {
    sockets.at(-1)?.onclose?.({ code: 1006 });
    timers.pass(20_000);
  });
}

const rooms = () => asked.filter((url) => url.endsWith("/encounters/e/room")).length;

test("who is in the room is asked for again after the page's own connection was away", async () => {
  await told(FEED.hello, WITH_ENCOUNTER);
  expect(feed.room("A01").encounter?.openedUtcUs).toBe(7);
  expect(rooms()).toBe(1);
  await awayAndBack();
  expect(rooms()).toBe(1);
  await told(FEED.hello, WITH_ENCOUNTER);
  expect(rooms()).toBe(2);
});

test("an encounter that was closed while the page's connection was away is no longer open", async () => {
  await told(FEED.hello, WITH_ENCOUNTER);
  await awayAndBack();
  open = [];
  await told(FEED.hello, FEED.fleet);
  expect(feed.room("A01").encounter).toBeNull();
});

test("an encounter that the feed told before the fleet's view of it stays open", async () => {
  await told(FEED.hello, FEED.fleet);
  const event = { t: "encounter", unit: "A01", encounter_id: "e", state: "open", opened_utc_us: 7 };
  await told(JSON.stringify(event));
  expect(feed.room("A01").encounter?.encounterId).toBe("e");
});
