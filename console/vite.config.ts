// Builds the console, and in the mode `widget` the widget, into the Python package that serves them, and writes down which
// sources they were built from.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, defineConfig, type Plugin } from "vite";

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

const pages: BuildOptions = { outDir: OUT, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: "es2022" };
// One script that runs by itself, at a path that stays; built after the pages, whose build empties the folder.
const widget: BuildOptions = {
  outDir: OUT,
  emptyOutDir: false,
  copyPublicDir: false,
  target: ["chrome123", "firefox124", "safari17.5"], // what it looks for before it shows itself (src/widget/main.tsx)
  lib: { entry: "src/widget/main.tsx", formats: ["iife"], name: "antiphonWidget", fileName: () => "widget.js" },
};

export default defineConfig(({ mode }) => (mode === "widget" ? { build: widget, plugins: [sourcesHash()] } : { build: pages }));
