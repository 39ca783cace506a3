import { FeedClient, mount, openFeed } from "@goldenhour/shared";

import { App } from "./App.tsx";
import "./doctor.css";

mount(<App feed={new FeedClient(() => openFeed())} />, { scheme: "auto" });
