import { page } from "../vite.shared.ts";

export default page({ base: "/", outDir: "../../edge_agent/tablet/static" });
