import { Card, Empty, ErrorNote, type LinkView, type Room, sendAdvice, useRoomPart, wordOf } from "@goldenhour/shared";
import { Button, SegmentedControl, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { AdviceItem } from "./AdviceItem.tsx";
import { ensureEncounter } from "./encounter.ts";
import { OrderForm } from "./OrderForm.tsx";

const VALID_FOR_S = 600;

/** Advice and orders to the crew: rung on the tablet, read back, answered by name. */
export function Advice({ room, link }: { room: Room; link: LinkView | null }) {
  const { t } = useTranslation();
  useRoomPart(room, "advice");
  useRoomPart(room, "encounter");
  const [mode, setMode] = useState<"words" | "drug">("words");
  const isDown = link !== null && (link.state === "lost" || link.state === "store-and-forward");
  return (
    <Card
      title={t("advice.title")}
      className="doc-advice"
      tools={
        <SegmentedControl
          size="xs"
          aria-label={t("advice.title")}
          data-testid="advice-mode"
          value={mode}
          data={[
            { value: "words", label: t("advice.words") },
            { value: "drug", label: t("advice.drug") },
          ]}
          onChange={(value) => {
            setMode(value === "drug" ? "drug" : "words");
          }}
        />
      }
    >
      {mode === "words" ? <Words room={room} /> : <OrderForm room={room} />}
      {isDown && <p className="gh-dim doc-advice-down">{t("advice.waitsLink")}</p>}
      {room.advice.length === 0 ? (
        <Empty what={t("advice.empty")} {...(room.encounter === null ? { next: t("encounter.none") } : {})} />
      ) : (
        <ol className="doc-advice-list">
          {room.advice.map((each) => (
            <AdviceItem
              key={each.adviceId}
              advice={each}
              onChanged={(changed) => {
                room.advise(changed);
              }}
            />
          ))}
        </ol>
      )}
    </Card>
  );
}

function Words({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "score");
  const [text, setText] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const missing = room.score?.missing ?? [];
  const send = async () => {
    setBusy(true);
    setError(null);
    try {
      room.advise(await sendAdvice(await ensureEncounter(room), text.trim(), VALID_FOR_S));
      setText("");
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const canSend = text.trim() !== "" && !isBusy;
  return (
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
      {error !== null && <ErrorNote error={error} />}
    </form>
  );
}
