// Unpacks the browser that the package carries: node unpack.cjs FOLDER, where node_modules is.
const { spawnSync } = require("node:child_process");
const { mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { brotliDecompressSync } = require("node:zlib");

const folder = process.argv[2];
const packed = (name) =>
  brotliDecompressSync(readFileSync(join(folder, "node_modules/@sparticuz/chromium/bin", name)));
const browser = join(folder, "browser");

mkdirSync(browser, { recursive: true });
writeFileSync(join(browser, "chromium"), packed("chromium.br"), { mode: 0o755 });
for (const name of ["swiftshader.tar.br", "fonts.tar.br", "al2023.tar.br"]) {
  const done = spawnSync("tar", ["-x", "-C", browser], { input: packed(name) });
  if (done.status !== 0) throw new Error(`${name}: ${done.stderr}`);
}
