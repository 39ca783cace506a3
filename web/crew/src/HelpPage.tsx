import { clockText, Empty, ErrorNote, postJson, useNow, VoiceMark } from "@goldenhour/shared";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { AdvicePage } from "./AdvicePage.tsx";
import type { Asked, CrewRoom, VehicleState } from "./state.ts";
import { useAction } from "./useVehicle.ts";

const ETA_MIN = [null, 5, 10, 15, 20, 30] as const;

/** Ring somebody in two taps, see who comes, write to them; and all advice of this run. */
export function HelpPage({ state, take, onOpen }: { state: VehicleState; take: (answer: unknown) => void; onOpen: (adviceId: string) => void }) {
  const { t } = useTranslation();
  const { room } = state;
  return (
    <div className="help">
      <section className="help-left">
        <Rings room={room} take={take} />
        <RingForm room={room} take={take} />
      </section>
      <section className="help-right">
        <People room={room} voices={state.voice.voices} />
        <Talk state={state} take={take} />
        <h2>{t("advice.title")}</h2>
        <AdvicePage state={state} onOpen={onOpen} />
      </section>
    </div>
  );
}

function RingForm({ room, take }: { room: CrewRoom; take: (answer: unknown) => void }) {
  const { t } = useTranslation();
  const { run, isBusy, error } = useAction();
  const [etaMin, setEtaMin] = useState<number | null>(null);
  const hospitals = [...new Set(room.doctors.map((each) => each.organisation))];
  const ring = (target: Record<string, string>) => {
    run(async () => {
      take(await postJson("/room/rings", { ...target, ...(etaMin === null ? {} : { eta_s: etaMin * 60 }) }));
    });
  };
  if (room.teams.length === 0 && room.doctors.length === 0) return <Empty what={t("room.crewNobody")} />;
  return (
    <div className="help-form">
      <h2>{t("room.crewEta")}</h2>
      <div className="taps">
        {ETA_MIN.map((each) => (
          <button
            key={each}
            type="button"
            className="tap"
            data-testid={`eta-${each ?? "none"}`}
            aria-pressed={etaMin === each}
            onClick={() => {
              setEtaMin(each);
            }}
          >
            {each === null ? t("room.crewEtaNone") : t("span.min", { value: each })}
          </button>
        ))}
      </div>
      <h2>{t("room.crewTeams")}</h2>
      <div className="help-list">
        {room.teams.map((each) => (
          <button key={each.teamId} type="button" className="tap" data-testid={`ring-team-${each.teamId}`} disabled={isBusy} onClick={() => { ring({ team_id: each.teamId }); }}>
            <b>{each.name}</b>
            <small>
              {t(`room.teamKind.${each.kind}`)} · {each.organisation}
            </small>
          </button>
        ))}
      </div>
      <h2>{t("room.crewDoctors")}</h2>
      <div className="help-list">
        {room.doctors.map((each) => (
          <button key={each.username} type="button" className="tap" data-testid={`ring-doctor-${each.username}`} disabled={isBusy} onClick={() => { ring({ username: each.username }); }}>
            <b>{each.name}</b>
            <small>{each.organisation}</small>
          </button>
        ))}
      </div>
      <h2>{t("room.crewHospitals")}</h2>
      <div className="help-list">
        {hospitals.map((each) => (
          <button key={each} type="button" className="tap" disabled={isBusy} onClick={() => { ring({ organisation: each }); }}>
            <b>{each}</b>
          </button>
        ))}
      </div>
      {error !== null && <ErrorNote error={error} />}
    </div>
  );
}

function Rings({ room, take }: { room: CrewRoom; take: (answer: unknown) => void }) {
  const { t } = useTranslation();
  const { run, isBusy } = useAction();
  const cancel = (ringId: string) => {
    run(async () => {
      take(await postJson(`/room/rings/${encodeURIComponent(ringId)}/cancel`));
    });
  };
  return (
    <>
      {room.waiting.map((each) => (
        <Waiting key={each.ringId} asked={each} isBusy={isBusy} onCancel={cancel} />
      ))}
      {room.rings.map((ring) => (
        <div key={ring.ringId} className="help-ring" data-testid="crew-ring" data-state={ring.state}>
          <p>
            <b>{ring.target}</b> {t(`room.ringState.${ring.state}`)}
          </p>
          <ul>
            {ring.calls.map((each) => (
              <li key={each.name} data-state={each.state}>
                <b>{each.name}</b> {t(`room.call.${each.state}`)}
              </li>
            ))}
          </ul>
          {ring.state === "ringing" && (
            <button type="button" className="big quiet" data-testid="ring-cancel" disabled={isBusy} onClick={() => { cancel(ring.ringId); }}>
              {t("room.crewCancel")}
            </button>
          )}
        </div>
      ))}
    </>
  );
}

function Waiting({ asked, isBusy, onCancel }: { asked: Asked; isBusy: boolean; onCancel: (ringId: string) => void }) {
  const { t } = useTranslation();
  const now = useNow();
  return (
    <div className="help-ring" data-testid="crew-ring" data-state="waiting">
      <p>
        <b>{asked.target}</b> {t("room.crewWaiting")} · {clockText(Math.min(now, asked.askedUtcUs), true)}
      </p>
      <button type="button" className="big quiet" disabled={isBusy} onClick={() => { onCancel(asked.ringId); }}>
        {t("room.crewCancel")}
      </button>
    </div>
  );
}

function People({ room, voices }: { room: CrewRoom; voices: VehicleState["voice"]["voices"] }) {
  const { t } = useTranslation();
  return (
    <div className="help-people" data-testid="crew-people">
      <h2>{t("room.crewPeople")}</h2>
      {room.people.length === 0 ? (
        <span className="gh-dim">{t("room.nobody")}</span>
      ) : (
        room.people.map((each) => (
          <span key={`${each.name}-${each.joinedUtcUs}`} data-lost={each.isLost}>
            <b>{each.name}</b> <small>{each.role === "guest" ? t("room.guest") : each.organisation}</small>
            <VoiceMark heard={voices.find((one) => one.who === each.who)} />
          </span>
        ))
      )}
    </div>
  );
}

function Talk({ state, take }: { state: VehicleState; take: (answer: unknown) => void }) {
  const { t } = useTranslation();
  const { run, isBusy, error } = useAction();
  const [text, setText] = useState("");
  if (state.encounterId === null) return null;
  return (
    <div className="help-talk">
      <ol data-testid="crew-texts">
        {state.room.texts.slice(-6).map((each) => (
          <li key={`${each.atUtcUs}-${each.text}`} data-crew={each.isCrew}>
            <small className="gh-num">{clockText(each.atUtcUs)}</small> <b>{each.by}</b> {each.text}
          </li>
        ))}
      </ol>
      <form
        className="help-say"
        onSubmit={(event) => {
          event.preventDefault();
          run(async () => {
            take(await postJson("/room/texts", { text: text.trim() }));
            setText("");
          });
        }}
      >
        <input aria-label={t("room.crewSay")} placeholder={t("room.crewSay")} data-testid="crew-text" maxLength={500} value={text} onChange={(event) => { setText(event.currentTarget.value); }} />
        <button type="submit" className="big" data-testid="crew-say" disabled={isBusy || text.trim() === ""}>
          {t("room.send")}
        </button>
      </form>
      {error !== null && <ErrorNote error={error} />}
    </div>
  );
}
