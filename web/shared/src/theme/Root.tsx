
import "@mantine/core/styles/baseline.css";
import "@mantine/core/styles/default-css-variables.css";
import "@mantine/core/styles/global.css";
import "@mantine/core/styles/UnstyledButton.css";
import "@mantine/core/styles/Button.css";
import "@mantine/core/styles/Loader.css";
import "@mantine/core/styles/Input.css";
import "@mantine/core/styles/InlineInput.css";
import "@mantine/core/styles/PasswordInput.css";
import "@mantine/core/styles/ActionIcon.css";
import "@mantine/core/styles/FloatingIndicator.css";
import "@mantine/core/styles/SegmentedControl.css";
import "@mantine/core/styles/VisuallyHidden.css";
import "./tokens.css";

import { MantineProvider, type MantineThemeOverride } from "@mantine/core";
import { Component, type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { useTranslation } from "react-i18next";

import { startI18n } from "../i18n/index.ts";
import { theme } from "./theme.ts";

/** Put `app` on the page. `scheme`: what the app begins with; the user's choice is remembered. */
export function mount(
  app: ReactNode,
  { scheme, look = theme }: { scheme: "auto" | "dark"; look?: MantineThemeOverride },
): void {
  startI18n();
  const root = document.getElementById("root");
  if (root === null) throw new Error("the page has no #root");
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={look} defaultColorScheme={scheme}>
        <LastResort>{app}</LastResort>
      </MantineProvider>
    </StrictMode>,
  );
}

/** A bug must not leave a blank screen: it says what happened, what was kept, what to do. */
class LastResort extends Component<{ children: ReactNode }, { message: string | null }> {
  override state: { message: string | null } = { message: null };

  static getDerivedStateFromError(error: unknown): { message: string } {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    if (this.state.message === null) return this.props.children;
    return <Crashed message={this.state.message} />;
  }
}

function Crashed({ message }: { message: string }) {
  const { t } = useTranslation();
  return (
    <main className="gh-signin">
      <div className="gh-error" role="alert">
        <p>
          <strong>{t("error.crash.what")}</strong>
        </p>
        <p>{t("error.crash.kept")}</p>
        <p>{t("error.crash.todo", { message })}</p>
        <p>
          <button
            type="button"
            className="gh-tool"
            onClick={() => {
              window.location.reload();
            }}
          >
            {t("error.reload")}
          </button>
        </p>
      </div>
    </main>
  );
}
