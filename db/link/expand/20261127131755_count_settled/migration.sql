-- Updated in place with every batch.
alter table relink.settled set (fillfactor = 50, autovacuum_vacuum_threshold = 500);
--> statement-breakpoint
-- Adds what a statement entered in the inbox to the digest, and takes what it removed from it. A
-- trigger, so that no statement can forget it, in whichever build: docs/decisions/0012.
--
-- Each transaction has a shard of its own until it ends: otherwise a handler that takes long would
-- keep the rows of its lane from all others, and two that change outcomes could deadlock.
create function relink.count_settled() returns trigger language plpgsql as $$
declare
  mine int := 0;
begin
  if tg_op = 'TRUNCATE' then
    delete from relink.settled;
    return null;
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
--> statement-breakpoint
create trigger settled_changed after update on relink.inbox
  referencing new table as entered old table as removed
  for each statement execute function relink.count_settled();
--> statement-breakpoint
create trigger settled_removed after delete on relink.inbox
  referencing old table as removed
  for each statement execute function relink.count_settled();
--> statement-breakpoint
create trigger settled_truncated after truncate on relink.inbox
  for each statement execute function relink.count_settled();
--> statement-breakpoint
-- What was there before. The triggers hold the lock under which nothing is entered until this has
-- committed, so nothing is missed and nothing counted twice.
insert into relink.settled (link, lane, epoch, event_version, outcome, shard, count, sum)
  select link, lane, epoch, event_version, outcome, 0, count(*), sum(hash)
  from relink.inbox group by link, lane, epoch, event_version, outcome;
