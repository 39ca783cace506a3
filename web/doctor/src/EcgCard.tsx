import { Card, clockText, EcgFoot, EcgPaper, freezeIndex, type LayoutName, type Room, useFeed } from "@goldenhour/shared";
import { SegmentedControl } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";

type Choice = "3x4" | "6x2";

/** The live 12-lead; frozen, it is a page of the last ten seconds. */
export function EcgCard({ room }: { room: Room }) {
  const { t } = useTranslation();
  const feed = useFeed();
  const isNarrow = useMediaQuery("(max-width: 720px)");
  const [choice, setChoice] = useState<Choice>("3x4");
  const [frozen, setFrozen] = useState<{ index: number; utcUs: number } | null>(null);
  const layout: LayoutName = isNarrow ? "6x2-short" : choice;
  const toggle = () => {
    const ring = room.waves.get("ecg");
    if (frozen !== null || ring === undefined) {
      setFrozen(null);
      return;
    }
    const index = freezeIndex(ring, feed.clock.nowUtcUs());
    setFrozen({ index, utcUs: ring.utcOf(index) });
  };
  return (
    <Card
      title={t("ecg.title")}
      className="doc-ecg gh-ecg"
      tools={
        <>
          {frozen !== null && <b className="gh-num">{t("ecg.frozenAt", { time: clockText(frozen.utcUs, true) })}</b>}
          <button type="button" className="gh-tool" data-testid="ecg-freeze" aria-pressed={frozen !== null} onClick={toggle}>
            {frozen === null ? t("ecg.freeze") : t("ecg.back")}
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
      <EcgPaper room={room} layout={layout} frozenAt={frozen?.index ?? null} />
      <EcgFoot room={room} />
    </Card>
  );
}
