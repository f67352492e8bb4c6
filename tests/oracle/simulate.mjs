// Decides requests with @cloud-copilot/iam-simulate: a line of JSON in, a line with the result out.
//
//   node tests/oracle/simulate.mjs FOLDER < cases.jsonl > results.jsonl
//
// FOLDER is where `npm install --prefix FOLDER @cloud-copilot/iam-simulate` was run, outside of the checkout. The engine
// is called below its validation: `runSimulation` drops context keys that it does not know for an action, and the
// unvalidated entry point of the package takes no session policy.
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const scope = join(process.argv[2], 'node_modules', '@cloud-copilot')
const load = (...path) => import(pathToFileURL(join(scope, ...path)).href)
const engine = (...path) => load('iam-simulate', 'dist', 'esm', ...path)

const { authorize } = await engine('core_engine', 'CoreSimulatorEngine.js')
const { AwsRequestImpl } = await engine('request', 'request.js')
const { RequestContextImpl } = await engine('requestContext.js')
const { DiscoveryContextKeyConstraints } = await engine('context_keys', 'discoveryContextKeyConstraints.js')
const { loadPolicy } = await load('iam-policy', 'dist', 'esm', 'index.js')

const named = (documents) => documents.map((document, place) => loadPolicy(document, { name: String(place) }))
const levels = (found) => found.map((level, place) => ({ orgIdentifier: `ou-${place}`, policies: named(level) }))
const optional = (document) => (document ? loadPolicy(document, { name: 'one' }) : undefined)

function decide(asked) {
  const context = new RequestContextImpl(asked.context)
  const resource = { resource: asked.resource, accountId: asked.owner }
  const principal = asked.principal ?? { type: 'Anonymous' }
  return authorize({
    request: new AwsRequestImpl(principal, resource, asked.action, context),
    sessionPolicy: optional(asked.session),
    identityPolicies: named(asked.identity),
    serviceControlPolicies: levels(asked.scps),
    resourceControlPolicies: levels(asked.rcps),
    resourcePolicy: optional(asked.resource_policy),
    permissionBoundaries: asked.boundary ? named([asked.boundary]) : undefined,
    vpcEndpointPolicies: asked.endpoint ? named([asked.endpoint]) : undefined,
    simulationParameters: {
      simulationMode: 'Strict',
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([])
    },
    serviceSettings: { s3: {} }
  }).result
}

for await (const line of createInterface({ input: process.stdin })) {
  let result
  try {
    result = decide(JSON.parse(line))
  } catch (error) {
    result = `error: ${error.message}`
  }
  process.stdout.write(JSON.stringify(result) + '\n')
}
