import {
  AlarmLog,
  Card,
  ClockNote,
  clockText,
  ErrorNote,
  LinkIndicator,
  News2,
  openEncounter,
  type Room,
  TimeNodes,
  TrendChart,
  type T,
  useRoom,
  useRoomPart,
  useUnit,
  VitalsGrid,
  VitalsSource,
  wordOf,
} from "@goldenhour/shared";
import { Button, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Advice } from "./Advice.tsx";
import { EcgCard } from "./EcgCard.tsx";
import { Handover } from "./Handover.tsx";
import { Invite } from "./Invite.tsx";
import type { Grabbed } from "./picture/grab.ts";
import { PictureEditor } from "./picture/PictureEditor.tsx";
import { RoomCard } from "./RoomCard.tsx";
import { UnitAlarms } from "./UnitAlarms.tsx";
import { VideoCard } from "./VideoCard.tsx";

const RANGES = [10, 30, 60] as const;

/** The consultation room of one unit. */
export function RoomPage({ unit, onBack }: { unit: string; onBack: () => void }) {
  const { t } = useTranslation();
  const { room, error } = useRoom(unit);
  const view = useUnit(unit);
  const nodes = view?.nodes ?? [];
  const [grabbed, setGrabbed] = useState<Grabbed | null>(null);
  return (
    <main className="doc-room" id="main" tabIndex={-1}>
      <RoomHead room={room} onBack={onBack} />
      {error !== null && error !== undefined && <ErrorNote error={error} />}
      <UnitAlarms unit={view} />
      <div className="doc-grid">
        <div className="doc-column">
          <section className="doc-vitals" aria-label={t("vitals.title")}>
            <VitalsGrid room={room} />
          </section>
          {grabbed !== null && (
            <PictureEditor
              key={grabbed.capturedUtcUs}
              room={room}
              link={view?.link ?? null}
              grabbed={grabbed}
              onClose={() => {
                setGrabbed(null);
              }}
            />
          )}
          <EcgCard room={room} onGrab={setGrabbed} />
          <Trends room={room} nodes={nodes} />
        </div>
        <div className="doc-column">
          <VideoCard room={room} view={view} onGrab={setGrabbed} />
          <RoomCard room={room} tools={<Invite room={room} />} />
          <Card title={t("news2.title")} className="doc-news2">
            <News2 room={room} />
          </Card>
          <Advice room={room} link={view?.link ?? null} />
          <Card title={t("node.title")} className="doc-nodes">
            <TimeNodes nodes={nodes} />
          </Card>
          <Handover room={room} />
        </div>
      </div>
    </main>
  );
}

function RoomHead({ room, onBack }: { room: Room; onBack: () => void }) {
  const { t } = useTranslation();
  const view = useUnit(room.unit);
  useRoomPart(room, "patient");
  return (
    <header className="doc-head">
      <button type="button" className="gh-tool doc-back" data-testid="back" onClick={onBack}>
        ‹ {t("doctor.list")}
      </button>
      <h1>{view?.callSign ?? room.unit}</h1>
      <span className="gh-status" data-status={view?.status ?? "none"}>
        {wordOf(t, "status", view?.status ?? "none")}
      </span>
      <span className="doc-patient gh-dim">{patientLine(t, room)}</span>
      <div className="gh-spacer" />
      {view !== undefined && <ClockNote clock={view.clock} />}
      {view !== undefined && <LinkIndicator link={view.link} seenFrom="hub" />}
      <EncounterButton room={room} />
    </header>
  );
}

/** Who the patient is, in one line. */
export function patientLine(t: T, room: Room): string {
  const { patient } = room;
  if (patient === null) return t("patient.none");
  const sexes = ["female", "male", "other", "unknown"] as const;
  const sex = sexes.find((each) => each === patient.sex);
  const parts = [
    [patient.familyName, patient.givenName].filter((each) => each !== null).join(" "),
    sex === undefined ? "" : t(`patient.sex.${sex}`),
    patient.ageYears === null ? "" : t("patient.age", { age: patient.ageYears }),
    patient.complaint ?? "",
  ];
  return parts.filter((each) => each !== "").join(" · ");
}

function EncounterButton({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "encounter");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { encounter } = room;
  if (encounter !== null) {
    return (
      <span className="doc-encounter gh-num" data-testid="encounter-open" data-encounter={encounter.encounterId}>
        {t("encounter.opened", { time: encounter.openedUtcUs === null ? "—" : clockText(encounter.openedUtcUs) })}
      </span>
    );
  }
  const open = async () => {
    setBusy(true);
    setError(null);
    try {
      const opened = await openEncounter(room.unit);
      room.setEncounter({ encounterId: opened.encounterId, openedUtcUs: opened.openedUtcUs });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {error !== null && <ErrorNote error={error} />}
      <Button size="xs" data-testid="open-encounter" loading={isBusy} onClick={open}>
        {t("encounter.open")}
      </Button>
    </>
  );
}

export function Trends({ room, nodes }: { room: Room; nodes: Parameters<typeof TrendChart>[0]["nodes"] }) {
  const { t } = useTranslation();
  const [minutes, setMinutes] = useState<number>(60);
  return (
    <Card
      title={t("trend.title", { minutes })}
      className="doc-trends"
      tools={
        <>
          <VitalsSource room={room} />
          <SegmentedControl
            size="xs"
            aria-label={t("trend.title", { minutes })}
            value={String(minutes)}
            data={RANGES.map((each) => ({ value: String(each), label: t("trend.range", { minutes: each }) }))}
            onChange={(value) => {
              setMinutes(Number(value));
            }}
          />
        </>
      }
    >
      <TrendChart room={room} minutes={minutes} nodes={nodes} />
      <AlarmLog room={room} minutes={minutes} />
    </Card>
  );
}

