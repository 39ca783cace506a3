import { useTranslation } from "react-i18next";

import type { Voice } from "./useVoice.ts";

/** What is wrong with one's microphone or sound, what still works, and what to do. */
export function VoiceNote({ voice }: { voice: Voice }) {
  const { t } = useTranslation();
  const { problem, isHushed } = voice;
  if (problem !== null) {
    return (
      <div className="gh-voice-note" role="alert" data-testid="voice-problem" data-problem={problem}>
        <b>{t(`voice.problem.${problem}`)}</b>
        <span>{t(`voice.hint.${problem}`)}</span>
      </div>
    );
  }
  if (!isHushed) return null;
  return (
    <div className="gh-voice-note" role="alert">
      <button type="button" className="gh-tool" data-testid="voice-listen" onClick={voice.listen}>
        {t("voice.listen")}
      </button>
    </div>
  );
}
