ALTER TABLE "relink"."relays" ADD COLUMN "process" bigint;--> statement-breakpoint
ALTER TABLE "relink"."relays" ADD COLUMN "process_seen_at" timestamp with time zone;