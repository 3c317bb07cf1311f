-- The ledger is proof only if nobody can change it afterwards, by mistake or otherwise.
create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: book the opposite instead', tg_table_name
    using errcode = 'restrict_violation';
end $$;
--> statement-breakpoint
create trigger bookings_append_only before update or delete or truncate on bookings
  for each statement execute function refuse_ledger_change();
--> statement-breakpoint
create trigger ledger_entries_append_only before update or delete or truncate on ledger_entries
  for each statement execute function refuse_ledger_change();
--> statement-breakpoint
-- Looks at what one statement inserted, so that it costs one scan of a few rows, not one per row.
create function refuse_unbalanced_entries() returns trigger language plpgsql as $$
begin
  if exists (select from inserted group by booking_id having sum(amount_minor) <> 0) then
    raise exception 'the ledger entries of a booking must sum to zero'
      using errcode = 'check_violation', constraint = 'ledger_entries_balanced';
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger ledger_entries_balanced after insert on ledger_entries
  referencing new table as inserted
  for each statement execute function refuse_unbalanced_entries();
