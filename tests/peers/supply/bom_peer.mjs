// CycloneDX's own JavaScript validator, strict: NODE_MODULES BOM. A parameter says where the library was installed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, bom] = process.argv.slice(2);
const { Spec, Validation } = createRequire(join(modules, "x.js"))("@cyclonedx/cyclonedx-library");
const error = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(readFileSync(bom, "utf8"));
if (error !== null) {
  console.error(JSON.stringify(error).slice(0, 2000));
  process.exit(1);
}
