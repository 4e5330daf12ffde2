// Builds the console into the Python package that serves it, and writes down which sources it was built from.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const OUT = "../services/web/console";
const SOURCES = ["index.html", "package-lock.json", "package.json", "public", "src", "tsconfig.json", "vite.config.ts"];

/** All files below a path, in the order of their names. */
function filesOf(path: string): string[] {
  try {
    const inside = readdirSync(path, { recursive: true, withFileTypes: true });
    return inside.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [path];
  }
}

/** Leaves the hash of the sources beside what was built; a unit test computes it again. */
function sourcesHash(): Plugin {
  return {
    name: "sources-hash",
    apply: "build",
    closeBundle() {
      const hash = createHash("sha256");
      for (const file of SOURCES.flatMap(filesOf).sort()) {
        hash.update(`${file}\0`).update(createHash("sha256").update(readFileSync(file)).digest());
      }
      writeFileSync(join(OUT, "sources.sha256"), `${hash.digest("hex")}\n`);
    },
  };
}

export default defineConfig({
  plugins: [sourcesHash()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
});
