CREATE TABLE "relink"."comparisons" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "relink"."comparisons_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"link" text NOT NULL,
	"key" text NOT NULL,
	"outcome" text NOT NULL,
	"latency_ms" double precision NOT NULL,
	"compared_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "relink"."effects" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"link" text NOT NULL,
	"effect" bigint NOT NULL,
	"basis" bigint NOT NULL,
	"applied_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "relink"."readings" (
	"link" text NOT NULL,
	"lane" smallint NOT NULL,
	"reading" text NOT NULL,
	"revision" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "readings_link_lane_pk" PRIMARY KEY("link","lane"),
	CONSTRAINT "readings_reading" CHECK (reading in ('replica', 'compared', 'owner'))
);
--> statement-breakpoint
ALTER TABLE "relink"."listening" ADD COLUMN "copies" text;--> statement-breakpoint
ALTER TABLE "relink"."shadow_results" ADD COLUMN "effect" bigint;--> statement-breakpoint
ALTER TABLE "relink"."shadow_results" ADD COLUMN "basis" bigint;--> statement-breakpoint
CREATE INDEX "comparisons_link" ON "relink"."comparisons" USING btree ("link","compared_at");