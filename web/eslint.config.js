import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "**/dist", "**/*.mjs", "*.js", "**/districts.json"] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  hooks.configs.flat["recommended-latest"],
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A number in a text is what this product is made of.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `interface` and `type` mean the same here; unions want `type`.
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      // JSX handlers may start a task; its errors are shown by the task itself.
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      // `return this.tell(x)` ends a branch; the type says that there is nothing to return.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreVoidReturningFunctions: true, ignoreArrowShorthand: true }],
      "no-console": "error",
      eqeqeq: "error",
    },
  },
);
