import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePostgresUrl, urlOfDatabase } from './postgresUrl.ts';

const hostsOf = (url: string) =>
  parsePostgresUrl(url).hosts.map(({ host, port, path }) => path ?? `${host}:${port}`);

for (const [url, ...hosts] of [
  ['postgres://u:p@h/db', 'h:5432'],
  ['postgresql://h1:1,h2:5432/db', 'h1:1', 'h2:5432'],
  ['postgres://u:p%40@h1:1,h2/db?sslmode=disable', 'h1:1', 'h2:5432'],
  ['postgres:///db?host=h1,h2&port=1,2', 'h1:1', 'h2:2'],
  ['postgres://u@%2Frun%2Fpostgresql/db', '/run/postgresql/.s.PGSQL.5432'],
  ['postgres://u@/db?host=/run/postgresql', '/run/postgresql/.s.PGSQL.5432'],
  ['postgres:///db?host=/run/postgresql&port=1', '/run/postgresql/.s.PGSQL.1'],
  ['postgres://u@[::1]:1/db', '::1:1'],
] as [string, ...string[]][])
  test(`${url} names ${hosts.join(' and ')}`, () => {
    assert.deepEqual(hostsOf(url), hosts);
    assert.equal(parsePostgresUrl(url).database, 'db');
  });

test('user, password and options for the server are read from the URL', () => {
  const url = 'postgres://u%2Fv:p%40%2F@h1,h2/a?search_path=app&connect_timeout=5&sslmode=prefer';
  const { user, password, parameters, isTlsOptional, tls } = parsePostgresUrl(url);
  assert.deepEqual(
    { user, password, parameters },
    {
      ...{ user: 'u/v', password: 'p@/', parameters: { search_path: 'app' } },
    },
  );
  assert.equal(isTlsOptional, true);
  assert.deepEqual({ ...tls }, { rejectUnauthorized: false });
});

for (const [url, sentence] of [
  ['postgres://u:p@h/db?channel_binding=require', /channel_binding=require.*leave it out/],
  ['postgres://u:p@h/db?target_session_attrs=standby', /takes no writes/],
  ['postgres://u:p/ss@h/db', /percent-encoded/],
  ['postgres://h:port/db', /looks like postgres:/],
  ['postgres://h/db?sslmode=verify-full&sslrootcert=/nowhere/ca.pem', /ca\.pem/],
] as [string, RegExp][])
  test(`${url} is refused in a sentence without the password`, () => {
    assert.throws(
      () => parsePostgresUrl(url),
      ({ code, message }: { code: string; message: string }) =>
        code === 'POSTGRES_URL' &&
        message.startsWith('RELINK_POSTGRES_URL') &&
        sentence.test(message) &&
        !message.includes('u:p'),
    );
  });

test('the URL of another database keeps hosts, login and options', () => {
  for (const [from, to] of [
    ['postgres://u:p@h1:1,h2:2/a?sslmode=require', 'postgres://u:p@h1:1,h2:2/b?sslmode=require'],
    ['postgres:///a?host=/run', 'postgres:///b?host=/run'],
    ['postgres://u@%2Frun', 'postgres://u@%2Frun/b'],
  ])
    assert.equal(urlOfDatabase(from!, 'b'), to);
});
