CREATE SCHEMA "migration";
--> statement-breakpoint
CREATE TABLE "migration"."certificates" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"link" text NOT NULL,
	"consumer" text NOT NULL,
	"epoch" bigint NOT NULL,
	"count" bigint NOT NULL,
	"statement" text NOT NULL,
	"signature" text NOT NULL,
	"public_key" text NOT NULL,
	"signed_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "certificates_one_per_epoch" UNIQUE("link","consumer","epoch")
);
--> statement-breakpoint
CREATE TABLE "migration"."evidence" (
	"run_id" uuid NOT NULL,
	"position" smallint NOT NULL,
	"what" text NOT NULL,
	"verdict" text NOT NULL,
	"value" text NOT NULL,
	"threshold" text NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "evidence_run_id_position_what_pk" PRIMARY KEY("run_id","position","what")
);
--> statement-breakpoint
CREATE TABLE "migration"."leases" (
	"name" text PRIMARY KEY NOT NULL,
	"owner" text,
	"term" bigint DEFAULT 0 NOT NULL,
	"expires_at" timestamp with time zone DEFAULT '-infinity' NOT NULL
);
--> statement-breakpoint
CREATE TABLE "migration"."run_legs" (
	"run_id" uuid NOT NULL,
	"link" text NOT NULL,
	"consumer" text NOT NULL,
	"is_live" boolean DEFAULT true NOT NULL,
	CONSTRAINT "run_legs_run_id_consumer_pk" PRIMARY KEY("run_id","consumer")
);
--> statement-breakpoint
CREATE TABLE "migration"."runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"plan" text NOT NULL,
	"link" text NOT NULL,
	"consumer" text NOT NULL,
	"consumers" text[] NOT NULL,
	"producer" text NOT NULL,
	"from_transport" text NOT NULL,
	"from_version" smallint NOT NULL,
	"to_transport" text NOT NULL,
	"to_version" smallint NOT NULL,
	"way_back" text NOT NULL,
	"step_by_step" boolean NOT NULL,
	"hold" boolean NOT NULL,
	"settings" jsonb NOT NULL,
	"actor" text NOT NULL,
	"state" text DEFAULT 'planned' NOT NULL,
	"direction" text DEFAULT 'forward' NOT NULL,
	"ends_as" text DEFAULT 'rolled_back' NOT NULL,
	"problem" text DEFAULT '' NOT NULL,
	"waiting" jsonb,
	"memory" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"revision" bigint DEFAULT 1 NOT NULL,
	"started_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"ended_at" timestamp with time zone,
	"is_live" boolean GENERATED ALWAYS AS (state in ('planned', 'running', 'waiting', 'paused', 'rolling_back')) STORED NOT NULL,
	CONSTRAINT "runs_liveness" UNIQUE("id","is_live"),
	CONSTRAINT "runs_state" CHECK (state in ('planned', 'running', 'waiting', 'paused', 'rolling_back', 'rolled_back',
        'completed', 'failed', 'cancelled')),
	CONSTRAINT "runs_direction" CHECK (direction in ('forward', 'back')),
	CONSTRAINT "runs_way_back" CHECK (way_back in ('keep', 'none'))
);
--> statement-breakpoint
CREATE TABLE "migration"."signing_keys" (
	"id" integer PRIMARY KEY NOT NULL,
	"private_key" text NOT NULL,
	"public_key" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "signing_keys_one" CHECK (id = 1)
);
--> statement-breakpoint
CREATE TABLE "migration"."steps" (
	"run_id" uuid NOT NULL,
	"position" smallint NOT NULL,
	"name" text NOT NULL,
	"title" text NOT NULL,
	"number" text NOT NULL,
	"kind" text NOT NULL,
	"undo" text NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"checkpoint" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"done" bigint DEFAULT 0 NOT NULL,
	"total" bigint DEFAULT 0 NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	CONSTRAINT "steps_run_id_position_pk" PRIMARY KEY("run_id","position"),
	CONSTRAINT "steps_kind" CHECK (kind in ('step', 'gate')),
	CONSTRAINT "steps_state" CHECK (state in ('pending', 'running', 'done', 'failed', 'undoing', 'undone'))
);
--> statement-breakpoint
ALTER TABLE "migration"."evidence" ADD CONSTRAINT "evidence_of_step" FOREIGN KEY ("run_id","position") REFERENCES "migration"."steps"("run_id","position") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "migration"."run_legs" ADD CONSTRAINT "run_legs_follow_run" FOREIGN KEY ("run_id","is_live") REFERENCES "migration"."runs"("id","is_live") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "migration"."steps" ADD CONSTRAINT "steps_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "migration"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "run_legs_one_live_run" ON "migration"."run_legs" USING btree ("link","consumer") WHERE is_live;--> statement-breakpoint
CREATE INDEX "runs_started" ON "migration"."runs" USING btree ("started_at");