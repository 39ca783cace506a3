import {
  type Advice as AdviceItem,
  type AdviceState,
  Card,
  clockText,
  Empty,
  ErrorNote,
  type LinkView,
  openEncounter,
  type Room,
  sendAdvice,
  spanText,
  type T,
  useNow,
  useRoomPart,
  wordOf,
} from "@goldenhour/shared";
import { Button, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

const VALID_FOR_S = 600;
/** The way of an advice that goes well; the other ends are said in words. */
const STEPS: readonly AdviceState[] = ["sent", "delivered", "seen", "confirmed"];

/** Advice to the crew: written here, rung on the tablet, answered by name. */
export function Advice({ room, link }: { room: Room; link: LinkView | null }) {
  const { t } = useTranslation();
  useRoomPart(room, "advice");
  useRoomPart(room, "encounter");
  useRoomPart(room, "score");
  const [text, setText] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const isDown = link !== null && (link.state === "lost" || link.state === "store-and-forward");
  const missing = room.score?.missing ?? [];
  const send = async () => {
    setBusy(true);
    setError(null);
    try {
      let { encounter } = room;
      if (encounter === null) {
        const opened = await openEncounter(room.unit);
        encounter = { encounterId: opened.encounterId, openedUtcUs: opened.openedUtcUs };
        room.setEncounter(encounter);
      }
      room.advise(await sendAdvice(encounter.encounterId, text.trim(), VALID_FOR_S));
      setText("");
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const canSend = text.trim() !== "" && !isBusy;
  return (
    <Card title={t("advice.title")} className="doc-advice">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canSend) void send();
        }}
      >
        <Textarea
          data-testid="advice-text"
          aria-label={t("advice.title")}
          placeholder={t("advice.placeholder")}
          rows={2}
          maxLength={2000}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && canSend) void send();
          }}
        />
        <div className="doc-advice-tools">
          <div className="doc-asks">
            {[...new Set(missing.map((each) => wordOf(t, "news2.part", each)))].map((what) => (
              <button
                key={what}
                type="button"
                className="doc-ask"
                onClick={() => {
                  setText(t("advice.askMeasure", { what }));
                }}
              >
                + {what}
              </button>
            ))}
            <button
              type="button"
              className="doc-ask"
              onClick={() => {
                setText(t("advice.askEcg"));
              }}
            >
              + {t("advice.askEcgShort")}
            </button>
          </div>
          <Button type="submit" size="xs" data-testid="advice-send" disabled={!canSend} loading={isBusy} title={t("advice.reachesIn")}>
            {t("advice.send")}
          </Button>
        </div>
        {isDown && <p className="gh-dim">{t("advice.waitsLink")}</p>}
        {error !== null && <ErrorNote error={error} />}
      </form>
      {room.advice.length === 0 ? (
        <Empty what={t("advice.empty")} {...(room.encounter === null ? { next: t("encounter.none") } : {})} />
      ) : (
        <ol className="doc-advice-list">
          {room.advice.map((each) => (
            <Item key={each.adviceId} advice={each} />
          ))}
        </ol>
      )}
    </Card>
  );
}

function Item({ advice }: { advice: AdviceItem }) {
  const { t } = useTranslation();
  const now = useNow();
  const reached = STEPS.indexOf(advice.state);
  const isWaiting = advice.state === "sent" || advice.state === "delivered" || advice.state === "seen";
  return (
    <li className="gh-num" data-testid={`advice-item-${advice.adviceId}`} data-state={advice.state}>
      <p>{advice.text}</p>
      <div className="doc-steps" aria-hidden="true">
        {STEPS.map((step, index) => (
          <i key={step} data-on={index <= reached} />
        ))}
      </div>
      <span className="doc-advice-state">
        <b>{t(`advice.state.${advice.state}`)}</b>
        {answerText(t, advice)}
        <span className="gh-faint">
          {clockText(advice.givenUtcUs, true)}
          {isWaiting && ` · ${t("advice.expires", { span: spanText(t, advice.expiresUtcUs - now) })}`}
        </span>
      </span>
    </li>
  );
}

function answerText(t: T, advice: AdviceItem): string {
  const by = advice.answeredBy === null ? "" : ` ${t("advice.by", { name: advice.answeredBy })}`;
  const at = advice.answeredUtcUs === null ? "" : ` ${clockText(advice.answeredUtcUs, true)}`;
  const why = advice.reason === null ? "" : ` · ${t("advice.reason", { reason: advice.reason })}`;
  return `${by}${at}${why}`;
}
