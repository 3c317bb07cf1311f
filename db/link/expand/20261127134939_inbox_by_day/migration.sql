-- The inbox becomes a table of days, so that old ones can be dropped whole: docs/decisions/0012.
create function relink.first_id(at timestamptz) returns uuid language sql immutable
return (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
--> statement-breakpoint
-- Whether an id tells its time: a UUIDv7.
create function relink.has_time(id uuid) returns boolean language sql immutable
return substr(id::text, 15, 1) = '7';
--> statement-breakpoint
create function relink.time_of(id uuid) returns timestamptz language sql immutable
return to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0);
--> statement-breakpoint
drop trigger settled_entered on relink.inbox;
drop trigger settled_changed on relink.inbox;
drop trigger settled_removed on relink.inbox;
drop trigger settled_truncated on relink.inbox;
--> statement-breakpoint
alter table relink.inbox rename to inbox_rest;
alter table relink.inbox_rest rename constraint inbox_pkey to inbox_rest_pkey;
alter index relink.inbox_received_at rename to inbox_rest_received_at;
--> statement-breakpoint
create table relink.inbox (like relink.inbox_rest including defaults, primary key (event_id))
  partition by range (event_id);
create index inbox_received_at on relink.inbox using brin (received_at);
--> statement-breakpoint
-- Making a day reads all of inbox_rest, to see that it has none of its ids. Where that is much, days
-- are made for as long as it takes until most of it is forgotten.
do $$
declare
  today date := (now() at time zone 'UTC')::date;
  ahead date;
begin
  if not exists (select from relink.inbox_rest) then
    return;
  end if;
  for n in 1..40 loop
    ahead := today + n;
    execute format('create table relink.inbox_%s partition of relink.inbox
      for values from (%L) to (%L)', to_char(ahead, 'YYYYMMDD'),
      relink.first_id(ahead::timestamp at time zone 'UTC'),
      relink.first_id((ahead + 1)::timestamp at time zone 'UTC'));
  end loop;
  with moved as (delete from relink.inbox_rest
    where event_id >= relink.first_id((today + 1)::timestamp at time zone 'UTC')
      and event_id < relink.first_id((today + 41)::timestamp at time zone 'UTC') returning *)
  insert into relink.inbox select * from moved;
end $$;
--> statement-breakpoint
alter table relink.inbox attach partition relink.inbox_rest default;
--> statement-breakpoint
-- As before, and refuses what may be a repeat of something forgotten, in whichever build. As a dead
-- letter it is let in.
create or replace function relink.count_settled() returns trigger language plpgsql as $$
declare
  mine int := 0;
  past record;
begin
  if tg_op = 'TRUNCATE' then
    delete from relink.settled;
    return null;
  end if;
  if tg_op = 'INSERT' then
    select e.event_id, m.kept_from into past from relink.memory m
      join entered e on e.event_id < m.kept_from
      where relink.has_time(e.event_id) and e.outcome <> 'dead' limit 1;
    if found then
      raise exception using errcode = 'RL001', message = format(
        'the id is of %s, and what came before %s may be forgotten: nobody can tell whether it is a repeat',
        to_char(relink.time_of(past.event_id) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
        to_char(relink.time_of(past.kept_from) at time zone 'UTC', 'YYYY-MM-DD'));
    end if;
  end if;
  while not pg_try_advisory_xact_lock(7070004, mine) loop
    mine := mine + 1;
  end loop;
  if tg_op = 'INSERT' then
    insert into relink.settled as s
      select link, lane, epoch, event_version, outcome, mine, count(*), sum(hash)
      from entered group by link, lane, epoch, event_version, outcome
      on conflict (link, lane, epoch, event_version, outcome, shard)
      do update set count = s.count + excluded.count, sum = s.sum + excluded.sum;
  elsif tg_op = 'UPDATE' then
    insert into relink.settled as s
      select link, lane, epoch, event_version, outcome, mine, sum(one), sum(one * hash::numeric)
      from (
        select link, lane, epoch, event_version, outcome, hash, 1 as one from entered
        union all
        select link, lane, epoch, event_version, outcome, hash, -1 as one from removed) changed
      group by link, lane, epoch, event_version, outcome
      having sum(one) <> 0 or sum(one * hash::numeric) <> 0
      on conflict (link, lane, epoch, event_version, outcome, shard)
      do update set count = s.count + excluded.count, sum = s.sum + excluded.sum;
  else
    insert into relink.settled as s
      select link, lane, epoch, event_version, outcome, mine, -count(*), -sum(hash)
      from removed group by link, lane, epoch, event_version, outcome
      on conflict (link, lane, epoch, event_version, outcome, shard)
      do update set count = s.count + excluded.count, sum = s.sum + excluded.sum;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger settled_entered after insert on relink.inbox
  referencing new table as entered
  for each statement execute function relink.count_settled();
create trigger settled_changed after update on relink.inbox
  referencing new table as entered old table as removed
  for each statement execute function relink.count_settled();
create trigger settled_removed after delete on relink.inbox
  referencing old table as removed
  for each statement execute function relink.count_settled();
create trigger settled_truncated after truncate on relink.inbox
  for each statement execute function relink.count_settled();
