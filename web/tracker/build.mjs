/*
 * Makes the script of pages, or with `--package` the module of the npm package.
 *
 * The script's name has the first digits of its hash in it. Builds stay: pages that name
 * one by its hash find it for good. `present` says which is the newest.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { minify } from "terser";

const shared = {
  bundle: true,
  legalComments: "none",
  target: ["chrome93", "firefox95", "safari15.4"],
};

/** What browsers run, as small as it gets. */
async function script() {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: ["src/script.ts"],
    format: "esm",
    write: false,
  });
  const { code } = await minify(`(()=>{${outputFiles[0].text}})()`, {
    ecma: 2020,
    compress: { passes: 4, inline: 2, unsafe_arrows: true, unsafe_comps: true, booleans_as_integers: true, pure_getters: true, keep_fargs: false },
    mangle: true,
    format: { comments: false },
  });
  return code;
}

if (process.argv.includes("--package")) {
  await build({
    ...shared,
    entryPoints: ["src/index.ts"],
    format: "esm",
    outfile: "dist/index.js",
  });
} else {
  const folder = process.argv[2] ?? "builds";
  const code = await script();
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 12);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/t.${hash}.js`, code);
  writeFileSync(`${folder}/present`, `${hash}\n`);
}
