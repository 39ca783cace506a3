import { FeedClient, mount, openFeed } from "@goldenhour/shared";

import { App } from "./App.tsx";
import "./operator.css";

mount(<App feed={new FeedClient(() => openFeed())} />, { scheme: "auto" });
