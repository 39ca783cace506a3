import { API, Card, clockText, Empty, getHospitals, type Hospital, type Room, useRoomPart } from "@goldenhour/shared";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

/** How the hand-over to a hospital stands, and the document that went there. */
export function Handover({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "handoff");
  useRoomPart(room, "encounter");
  const [hospitals, setHospitals] = useState<readonly Hospital[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    getHospitals(abort.signal).then(setHospitals, () => undefined); // names are a nicety; ids are shown without
    return () => {
      abort.abort();
    };
  }, []);
  const nameOf = (id: string) => hospitals.find((each) => each.hospitalId === id)?.name ?? id;
  const { handoffs, encounter } = room;
  return (
    <Card
      title={t("handoff.title")}
      className="doc-handoff"
      tools={
        encounter !== null && (
          <a className="gh-tool" href={`${API}/encounters/${encodeURIComponent(encounter.encounterId)}/document`} target="_blank" rel="noreferrer">
            {t("encounter.document")}
          </a>
        )
      }
    >
      {handoffs.length === 0 ? (
        <Empty what={t("handoff.empty")} />
      ) : (
        <ul className="doc-handoffs gh-num" data-testid="handoff-state" data-state={handoffs[0]?.state ?? "none"}>
          {handoffs.map((each) => (
            <li key={each.handoverId} data-state={each.state}>
              <b>{t(`handoff.state.${each.state}`)}</b> {t("handoff.to", { hospital: nameOf(each.hospitalId) })}
              <span className="gh-faint">
                {each.updatedUtcUs !== null && ` ${clockText(each.updatedUtcUs, true)}`}
                {each.attempts > 1 && ` · ${t("handoff.attempts", { n: each.attempts })}`}
                {each.detail !== null && ` · ${each.detail}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
