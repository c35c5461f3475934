// Lints the OpenAPI document of the standard input by Redocly's recommended rules, and prints what it finds.
const { createConfig, lintFromString } = require('@redocly/openapi-core');
const { text } = require('node:stream/consumers');

(async () => {
  const config = await createConfig({
    extends: ['recommended'],
    rules: { 'operation-4xx-response': 'off' }, // every error is the answer "default"
  });
  for (const p of await lintFromString({ source: await text(process.stdin), config })) {
    console.log(`${p.severity} ${p.ruleId} ${p.location.map((l) => l.pointer).join(' ')}: ${p.message}`);
  }
})();
