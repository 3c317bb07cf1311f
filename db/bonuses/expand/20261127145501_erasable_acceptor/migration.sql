-- Who accepted a solution is text that may name somebody, so an erasure may replace it. Nothing else of
-- a booking ever changes.
create function refuse_booking_change() returns trigger language plpgsql as $$
begin
  if to_jsonb(new) - 'accepted_by' is distinct from to_jsonb(old) - 'accepted_by' then
    raise exception '% is append-only: book the opposite instead', tg_table_name
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
--> statement-breakpoint
create or replace trigger bookings_append_only before delete or truncate on bookings
  for each statement execute function refuse_ledger_change();
--> statement-breakpoint
create trigger bookings_keep_facts before update on bookings
  for each row execute function refuse_booking_change();
