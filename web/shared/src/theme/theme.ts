import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** One blue for what can be pressed; red, yellow and cyan are left to alarms. */
const accent: MantineColorsTuple = [
  "#eaf2ff",
  "#d3e2fd",
  "#a4c3f8",
  "#72a2f4",
  "#4a86f0",
  "#3174ee",
  "#1b5fc9",
  "#17519f",
  "#12407f",
  "#0b2c5a",
];

/** Blue-greys, so that the components' dark is the product's dark. */
const dark: MantineColorsTuple = [
  "#eaeef2",
  "#c6ced6",
  "#a7b1bc",
  "#7f8b97",
  "#37424e",
  "#232b34",
  "#171d24",
  "#11161b",
  "#0a0d10",
  "#06080a",
];

export const theme = createTheme({
  fontFamily: "var(--gh-font)",
  fontFamilyMonospace: "var(--gh-mono)",
  primaryColor: "accent",
  primaryShade: { light: 6, dark: 5 },
  colors: { accent, dark },
  defaultRadius: 6,
  cursorType: "pointer",
  respectReducedMotion: true,
});

/** For gloves: everything at least 60 px high. */
export const vehicleTheme = createTheme({
  ...theme,
  defaultRadius: 10,
  fontSizes: { xs: "14px", sm: "16px", md: "18px", lg: "20px", xl: "24px" },
});
