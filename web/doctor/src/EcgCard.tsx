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
} from "@goldenhour/shared";
import { NativeSelect, SegmentedControl } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Earlier, fetchEarlier, MINUTES_BEFORE } from "./earlier.ts";
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

/** The frozen page with its calipers, and under it one of before, at the same scale. */
function Frozen({ room, still, layout, frozenUtcUs, onGrab }: {
  room: Room;
  still: Still;
  layout: LayoutName;
  frozenUtcUs: readonly number[];
  onGrab: ((grabbed: Grabbed) => void) | undefined;
}) {
  const { t } = useTranslation();
  const [which, setWhich] = useState("");
  const openedUtcUs = room.encounter?.openedUtcUs ?? null;
  const choices = [
    { value: "", label: t("ecg.compareNone") },
    ...(openedUtcUs === null ? [] : [{ value: `first ${openedUtcUs}`, label: t("ecg.compareFirst") }]),
    ...MINUTES_BEFORE.map((minutes) => ({ value: `until ${still.endUtcUs - minutes * 60e6}`, label: t("ecg.compareAgo", { minutes }) })),
    ...frozenUtcUs
      .filter((utcUs) => utcUs !== still.endUtcUs)
      .map((utcUs) => ({ value: `until ${utcUs}`, label: t("ecg.compareFrozen", { time: clockText(utcUs, true) }) })),
  ];
  const box = useRef<HTMLDivElement>(null);
  const grab = () => {
    const paper = box.current?.querySelector<HTMLElement>(".gh-ecg-paper") ?? null;
    const canvas = paper === null ? null : grabPaper(paper);
    if (canvas !== null) onGrab?.({ canvas, source: "ecg", capturedUtcUs: still.endUtcUs });
  };
  return (
    <div ref={box}>
      <MeasuredStill
        key={layout} // another layout's millimetres are other leads
        still={still}
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
      {which !== "" && <Before key={which} unit={room.unit} which={earlierOf(which)} layout={layout} />}
    </div>
  );
}

function earlierOf(value: string): Earlier {
  const [kind, at] = value.split(" ");
  return kind === "first" ? { kind, openedUtcUs: Number(at) } : { kind: "until", utcUs: Number(at) };
}

function Before({ unit, which, layout }: { unit: string; which: Earlier; layout: LayoutName }) {
  const { t } = useTranslation();
  const [found, setFound] = useState<Still | "none" | null>(null);
  const { kind } = which;
  const atUtcUs = which.kind === "first" ? which.openedUtcUs : which.utcUs;
  useEffect(() => {
    const abort = new AbortController();
    fetchEarlier(unit, kind === "first" ? { kind, openedUtcUs: atUtcUs } : { kind, utcUs: atUtcUs }, abort.signal).then(
      (still) => {
        setFound(still ?? "none");
      },
      () => {
        if (!abort.signal.aborted) setFound("none");
      },
    );
    return () => {
      abort.abort();
    };
  }, [unit, kind, atUtcUs]);
  if (found === null) return null;
  if (found === "none") return <p className="gh-ecg-earlier" data-testid="ecg-earlier-none">{t("ecg.notRecorded")}</p>;
  return (
    <>
      <p className="gh-ecg-earlier">
        <span className="gh-dim">{t("ecg.earlier")}</span>
        <b className="gh-num">{clockText(found.endUtcUs, true)}</b>
      </p>
      <MeasuredStill key={layout} still={found} layout={layout} testId="ecg-earlier" />
    </>
  );
}

/** A page with its own calipers and what they say. */
function MeasuredStill({ still, layout, testId, tools }: { still: Still; layout: LayoutName; testId: string; tools?: React.ReactNode }) {
  const { t } = useTranslation();
  const [span, setSpan] = useState<CaliperSpan | null>(null);
  const [isMarching, setMarching] = useState(false);
  return (
    <>
      <EcgStill
        still={still}
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
