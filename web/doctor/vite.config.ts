import { page } from "../vite.shared.ts";

export default page({ base: "/doctor/", outDir: "../../hub/api/static/doctor" });
