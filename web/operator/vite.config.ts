import { page } from "../vite.shared.ts";

export default page({ base: "/operator/", outDir: "../../hub/api/static/operator" });
