import { FeedClient, mount, openFeed, vehicleTheme } from "@goldenhour/shared";

import { App } from "./App.tsx";
import "./crew.css";

mount(<App feed={new FeedClient(() => openFeed())} />, { scheme: "dark", look: vehicleTheme });
