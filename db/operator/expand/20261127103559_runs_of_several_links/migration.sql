ALTER TABLE "migration"."run_legs" DROP CONSTRAINT "run_legs_run_id_consumer_pk";--> statement-breakpoint
ALTER TABLE "migration"."runs" ADD COLUMN "others" jsonb DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE "migration"."run_legs" ADD PRIMARY KEY ("run_id","link","consumer");