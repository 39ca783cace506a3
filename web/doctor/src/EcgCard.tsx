import {
  CaliperReading,
  Calipers,
  type CaliperSpan,
  Card,
  clockText,
  EcgFoot,
  EcgPaper,
  EcgStill,
  freezeIndex,
  type LayoutName,
  type Room,
  type Still,
  stillOf,
  useFeed,
  useRoomPart,
  useUnit,
} from "@goldenhour/shared";
import { NativeSelect, SegmentedControl } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Earlier, fetchEarlier, MINUTES_BEFORE, sentPages } from "./earlier.ts";
import { type Grabbed, grabPaper } from "./picture/grab.ts";

type Choice = "3x4" | "6x2";

/** So many freezes are offered to compare with. */
const MOST_FROZEN = 6;

/** The live 12-lead; frozen, it is a page of the last ten seconds, to be measured, compared and drawn on. */
export function EcgCard({ room, onGrab }: { room: Room; onGrab?: ((grabbed: Grabbed) => void) | undefined }) {
  const { t } = useTranslation();
  const feed = useFeed();
  const isNarrow = useMediaQuery("(max-width: 720px)");
  const [choice, setChoice] = useState<Choice>("3x4");
  const [still, setStill] = useState<Still | null>(null);
  const [frozenUtcUs, setFrozenUtcUs] = useState<readonly number[]>([]);
  const layout: LayoutName = isNarrow ? "6x2-short" : choice;
  const toggle = () => {
    const ring = room.waves.get("ecg");
    if (still !== null || ring === undefined) {
      setStill(null);
      return;
    }
    const page = stillOf(ring, freezeIndex(ring, feed.clock.nowUtcUs()));
    setStill(page);
    setFrozenUtcUs((before) => [...before, page.endUtcUs].slice(-MOST_FROZEN));
  };
  return (
    <Card
      title={t("ecg.title")}
      className="doc-ecg gh-ecg"
      tools={
        <>
          {still !== null && <b className="gh-num">{t("ecg.frozenAt", { time: clockText(still.endUtcUs, true) })}</b>}
          <button type="button" className="gh-tool" data-testid="ecg-freeze" aria-pressed={still !== null} onClick={toggle}>
            {still === null ? t("ecg.freeze") : t("ecg.back")}
          </button>
          {!isNarrow && (
            <SegmentedControl
              size="xs"
              aria-label={t("ecg.layout")}
              value={choice}
              data={[
                { value: "3x4", label: "3 × 4" },
                { value: "6x2", label: "6 × 2" },
              ]}
              onChange={(value) => {
                setChoice(value === "6x2" ? "6x2" : "3x4");
              }}
            />
          )}
        </>
      }
    >
      {still === null ? (
        <EcgPaper room={room} layout={layout} />
      ) : (
        <Frozen key={still.endUtcUs} room={room} still={still} layout={layout} frozenUtcUs={frozenUtcUs} onGrab={onGrab} />
      )}
      <EcgFoot room={room} />
    </Card>
  );
}

/** The frozen page with its calipers, and one of before: below it at the same scale, or under its curves. */
function Frozen({ room, still, layout, frozenUtcUs, onGrab }: {
  room: Room;
  still: Still;
  layout: LayoutName;
  frozenUtcUs: readonly number[];
  onGrab: ((grabbed: Grabbed) => void) | undefined;
}) {
  const { t } = useTranslation();
  const [which, setWhich] = useState("");
  const [isOver, setOver] = useState(false);
  const before = useEarlier(room.unit, which);
  const choices = useChoices(room, still, frozenUtcUs);
  const box = useRef<HTMLDivElement>(null);
  const grab = () => {
    const paper = box.current?.querySelector<HTMLElement>(".gh-ecg-paper") ?? null;
    const canvas = paper === null ? null : grabPaper(paper);
    if (canvas !== null) onGrab?.({ canvas, source: "ecg", capturedUtcUs: still.endUtcUs });
  };
  const page = before === null || before === "none" ? null : before;
  return (
    <div ref={box}>
      <MeasuredStill
        key={layout} // another layout's millimetres are other leads
        still={still}
        before={isOver ? page : null}
        layout={layout}
        testId="ecg-canvas"
        tools={
          <>
            {onGrab !== undefined && (
              <button type="button" className="gh-tool" data-testid="ecg-mark" onClick={grab}>
                {t("picture.mark")}
              </button>
            )}
            <label className="gh-ecg-compare">
              <span className="gh-dim">{t("ecg.compare")}</span>
              <NativeSelect
                size="xs"
                data-testid="ecg-compare"
                value={which}
                data={choices}
                onChange={(event) => {
                  setWhich(event.currentTarget.value);
                }}
              />
            </label>
          </>
        }
      />
      {before === "none" && (
        <p className="gh-ecg-earlier" data-testid="ecg-earlier-none">
          {t("ecg.notRecorded")}
        </p>
      )}
      {page !== null && (
        <>
          <div className="gh-ecg-earlier" data-testid="ecg-earlier-head">
            <span className="gh-dim">{t("ecg.earlier")}</span>
            <b className="gh-num" data-over={isOver}>
              {isOver && <i aria-hidden="true" />} {clockText(page.endUtcUs, true)}
            </b>
            {isOver && <span className="gh-dim">{t("ecg.overHint")}</span>}
            <span style={{ flex: 1 }} />
            <SegmentedControl
              size="xs"
              aria-label={t("ecg.compare")}
              data-testid="ecg-compare-how"
              value={isOver ? "over" : "below"}
              data={[
                { value: "below", label: t("ecg.below") },
                { value: "over", label: t("ecg.over") },
              ]}
              onChange={(value) => {
                setOver(value === "over");
              }}
            />
          </div>
          {!isOver && <MeasuredStill key={`${layout} ${which}`} still={page} layout={layout} testId="ecg-earlier" />}
        </>
      )}
    </div>
  );
}

/** What the page can be held against: all that is stored of this patient's ECG, at the times that count. */
function useChoices(room: Room, still: Still, frozenUtcUs: readonly number[]): { value: string; label: string }[] {
  const { t } = useTranslation();
  const view = useUnit(room.unit);
  useRoomPart(room, "advice");
  useRoomPart(room, "encounter");
  const openedUtcUs = room.encounter?.openedUtcUs ?? null;
  const firstUtcUs = view?.nodes.find((each) => each.node === "first_12_lead")?.atUtcUs ?? null;
  const sent = sentPages(room.advice, still.endUtcUs, MOST_FROZEN);
  const first =
    firstUtcUs !== null
      ? [{ value: `first ${firstUtcUs}`, label: t("ecg.compareFirstAt", { time: clockText(firstUtcUs, true) }) }]
      : openedUtcUs !== null
        ? [{ value: `first ${openedUtcUs}`, label: t("ecg.compareFirst") }]
        : [];
  return [
    { value: "", label: t("ecg.compareNone") },
    ...first,
    ...MINUTES_BEFORE.map((minutes) => ({ value: `until ${still.endUtcUs - minutes * 60e6}`, label: t("ecg.compareAgo", { minutes }) })),
    ...frozenUtcUs
      .filter((utcUs) => utcUs !== still.endUtcUs)
      .map((utcUs) => ({ value: `until ${utcUs}`, label: t("ecg.compareFrozen", { time: clockText(utcUs, true) }) })),
    ...sent
      .filter((utcUs) => !frozenUtcUs.some((each) => Math.round(each) === utcUs))
      .map((utcUs) => ({ value: `until ${utcUs}`, label: t("ecg.compareSent", { time: clockText(utcUs, true) }) })),
  ];
}

function earlierOf(value: string): Earlier {
  const [kind, at] = value.split(" ");
  return kind === "first" ? { kind, openedUtcUs: Number(at) } : { kind: "until", utcUs: Number(at) };
}

/** The page of before; null while it is fetched or none is wanted. */
function useEarlier(unit: string, which: string): Still | "none" | null {
  const [found, setFound] = useState<{ which: string; still: Still | "none" } | null>(null);
  useEffect(() => {
    if (which === "") return undefined;
    const abort = new AbortController();
    fetchEarlier(unit, earlierOf(which), abort.signal).then(
      (still) => {
        setFound({ which, still: still ?? "none" });
      },
      () => {
        if (!abort.signal.aborted) setFound({ which, still: "none" });
      },
    );
    return () => {
      abort.abort();
    };
  }, [unit, which]);
  return found?.which === which ? found.still : null;
}

/** A page with its own calipers and what they say. */
function MeasuredStill({ still, before = null, layout, testId, tools }: {
  still: Still;
  before?: Still | null;
  layout: LayoutName;
  testId: string;
  tools?: React.ReactNode;
}) {
  const { t } = useTranslation();
  const [span, setSpan] = useState<CaliperSpan | null>(null);
  const [isMarching, setMarching] = useState(false);
  return (
    <>
      <EcgStill
        still={still}
        before={before}
        layout={layout}
        testId={testId}
        over={(pxPerMm, page) => <Calipers page={page} pxPerMm={pxPerMm} span={span} isMarching={isMarching} onChange={setSpan} />}
      />
      <div className="gh-ecg-bar">
        <CaliperReading span={span} />
        {span !== null && (
          <button
            type="button"
            className="gh-tool"
            data-testid="caliper-march"
            aria-pressed={isMarching}
            onClick={() => {
              setMarching(!isMarching);
            }}
          >
            {t("ecg.march")}
          </button>
        )}
        <span style={{ flex: 1 }} />
        {tools}
      </div>
    </>
  );
}
