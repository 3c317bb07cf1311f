-- The outbox is a queue: rows live for milliseconds. Vacuum by dead rows, not by a share of the
-- table, so that an index scan over the head of the queue stays short.
alter table relink.outbox set (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 50000,
  autovacuum_vacuum_cost_delay = 0
);
--> statement-breakpoint
-- Updated in place, several times a second.
alter table relink.lanes set (fillfactor = 50, autovacuum_vacuum_threshold = 500);
--> statement-breakpoint
alter table relink.closed set (fillfactor = 50, autovacuum_vacuum_threshold = 500);
--> statement-breakpoint
alter table relink.relays set (fillfactor = 50, autovacuum_vacuum_threshold = 500);
