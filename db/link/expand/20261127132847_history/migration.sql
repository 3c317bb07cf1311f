CREATE TABLE "relink"."history" (
	"leg" text NOT NULL,
	"event_id" uuid NOT NULL,
	"lane" smallint NOT NULL,
	"key" text NOT NULL,
	"version" bigint NOT NULL,
	"event" text NOT NULL,
	"event_version" smallint NOT NULL,
	"body" text NOT NULL,
	"traceparent" text,
	"created_at" timestamp with time zone NOT NULL,
	"closed_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"epoch" bigint NOT NULL,
	"hash" bigint NOT NULL,
	"hashed_version" smallint NOT NULL
) PARTITION BY RANGE ("closed_at");
--> statement-breakpoint
-- A day that has no partition of its own must not stop a closing.
CREATE TABLE "relink"."history_rest" PARTITION OF "relink"."history" DEFAULT;
--> statement-breakpoint
CREATE TABLE "relink"."repairs" (
	"id" uuid PRIMARY KEY,
	"leg" text NOT NULL,
	"event_id" uuid NOT NULL,
	"key" text NOT NULL,
	"version" bigint NOT NULL,
	"epoch" bigint NOT NULL,
	"actor" text NOT NULL,
	"repaired_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "history_event" ON "relink"."history" ("event_id");--> statement-breakpoint
CREATE INDEX "repairs_leg" ON "relink"."repairs" ("leg","repaired_at");