/** The stack in containers by its files; dev/images runs it where there is a container engine. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { namedPorts, portsFrom } from '../../dev/ports.ts';
import { OPERATOR, SERVICES } from '../../dev/services.ts';
import { baseConfigProperties, loadConfig } from '../../runtime/config.ts';
import { links } from '../../services/links.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

interface Container {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly (string | { readonly source: string; readonly target: string })[];
  readonly deploy?: { readonly replicas: number };
  readonly profiles?: readonly string[];
  readonly [setting: string]: unknown;
}

const compose = parse(read('compose.yaml'), { merge: true });
const containers = new Map(Object.entries<Container>(compose.services));
const processes = [OPERATOR, ...SERVICES].map(({ name, main }) => ({
  main,
  ...containers.get(name)!,
}));
const { operator, services } = portsFrom();
const portsOf = new Map(Object.entries({ operator, ...services }));

test('every service of the map of links runs twice, and the operator once', () => {
  const named = new Set(
    Object.values(links).flatMap(({ producer, consumers }) => [
      producer,
      ...Object.keys(consumers),
    ]),
  );
  for (const name of named) assert.equal(containers.get(name)?.deploy?.replicas, 2, name);
  for (const { main, command } of processes) assert.deepEqual(command, [main]);
  assert.equal(containers.get('operator')?.deploy, undefined);
});

test('every process finds its settings valid, with the ports of docs/interfaces.md', () => {
  const peers = SERVICES.map(({ name }) => [name, [`${name}:${services[name]!.grpc}`]]);
  for (const { name } of [OPERATOR, ...SERVICES]) {
    const { environment = {}, secrets = [] } = containers.get(name)!;
    const env = Object.entries(environment).map(([variable, value]) => [
      variable,
      String(value)
        .replace(/\$\{\w+:-(\w+)\}/, '$1')
        .replace(/^\/run\/secrets\/(.+)/, (_, target) => fileOf(secrets, target)),
    ]);
    const config = loadConfig(baseConfigProperties, { env: Object.fromEntries(env) });
    const ports = { grpc: config.port, http: config.httpPort };
    assert.deepEqual(ports, portsOf.get(name), name);
    assert.deepEqual(config.peers, Object.fromEntries(peers));
    const database = name === OPERATOR.name ? OPERATOR.database : name;
    assert.match(config.postgresUrl, new RegExp(`^postgres://${database}:[^@]+@.*/${database}$`));
  }
});

test('only this machine reaches the stack, by the ports of docs/interfaces.md', () => {
  const published = [...containers.values()].flatMap(({ ports = [] }) => ports);
  for (const one of published) assert.match(one, /^127\.0\.0\.1:\d+:\d+$/);
  const health = Object.values({ operator, ...services }).map(({ http }) => http);
  const documented = namedPorts(portsFrom()).filter(({ port }) => !health.includes(port));
  const atGateway = containers.get('gateway')!.ports!.map((one) => Number(one.split(':')[1]));
  assert.deepEqual(
    atGateway,
    documented.map(({ port }) => port),
  );
  const config = read('deploy/gateway/haproxy.cfg');
  for (const { name, port } of documented.filter((one) => one.name.endsWith('gRPC'))) {
    const service = name.split(' ')[0];
    assert.match(
      config,
      new RegExp(`bind :${port}\n.*\n  server-template replica 10 ${service}:${port}\n`),
    );
  }
});

test('no container writes to its image, gains rights, or is left ended', () => {
  for (const [name, container] of containers) {
    assert.equal(container.read_only, true, name);
    assert.deepEqual(container.cap_drop, ['ALL'], name);
    assert.deepEqual(container.security_opt, ['no-new-privileges:true'], name);
    if (name === 'nats-folders') continue;
    assert.equal(container.restart, 'unless-stopped', name);
    assert.ok(container.build ?? container.user, `${name} names its user`);
    assert.notEqual(container.user, 'root', name);
  }
});

test('images have a version, and what is mounted is there', () => {
  const mounted = [...containers.values()].flatMap(({ volumes = [] }) => volumes);
  const files = mounted.map((one) => one.split(':')[0]!).filter((one) => one.startsWith('.'));
  for (const file of files) assert.ok(existsSync(join(ROOT, file)), file);
  for (const [name, { image, build }] of containers)
    if (!build) assert.match(image, /:v?\d+\.\d+[\w.-]*$/, name);
});

test('passwords are in files only, one for each database', () => {
  for (const [name, { environment = {} }] of containers)
    for (const [variable, value] of Object.entries(environment))
      if (/PASSWORD/.test(variable)) assert.match(String(value), /^\/run\/secrets\//, name);
  const texts = Object.keys(compose.secrets).map((name) => read(`deploy/secrets/${name}`));
  assert.equal(new Set(texts).size, texts.length);
});

test('Prometheus asks every replica of every process, and panels show what there is', () => {
  const { scrape_configs: jobs } = parse(read('deploy/prometheus/prometheus.yml'));
  const asked = jobs.map((job: { job_name: string; dns_sd_configs: { port: number }[] }) => [
    job.job_name,
    job.dns_sd_configs[0]!.port,
  ]);
  assert.deepEqual(
    asked,
    [...portsOf].map(([name, { http }]) => [name, http]),
  );
  const sources = globSync('{runtime,rpc,services,operator}/**/*.ts', { cwd: ROOT })
    .map(read)
    .join();
  for (const file of globSync('deploy/grafana/dashboards/*.json', { cwd: ROOT })) {
    const measures = read(file).match(/\b(relink|process|nodejs)_\w+/g) ?? [];
    assert.ok(measures.length > 0, file);
    for (const one of measures)
      assert.ok(
        sources.includes(`'${one.replace(/_(count|sum|bucket)$/, '')}'`),
        `${one} in ${file}`,
      );
  }
});

function fileOf(secrets: NonNullable<Container['secrets']>, target: string): string {
  const found = secrets.find((one) =>
    typeof one === 'string' ? one === target : one.target === target,
  );
  assert.ok(found, `no secret ${target}`);
  return join(ROOT, 'deploy', 'secrets', typeof found === 'string' ? found : found.source);
}
