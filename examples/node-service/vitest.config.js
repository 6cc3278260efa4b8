import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    coverage: {
      include: ["src/**"],
      exclude: ["src/main.js"],
      reporter: ["lcov"],
      // A red run has its numbers too: whether they are enough is for the gate to say.
      reportOnFailure: true,
    },
  },
});
