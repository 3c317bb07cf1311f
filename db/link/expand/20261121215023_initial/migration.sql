CREATE SCHEMA "relink";
--> statement-breakpoint
CREATE TABLE "relink"."attempts" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"link" text NOT NULL,
	"count" integer NOT NULL,
	"detail" text NOT NULL,
	"last_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "relink"."closed" (
	"leg" text NOT NULL,
	"lane" smallint NOT NULL,
	"epoch" bigint NOT NULL,
	"count" bigint NOT NULL,
	"sum" numeric NOT NULL,
	CONSTRAINT "closed_leg_lane_epoch_pk" PRIMARY KEY("leg","lane","epoch")
);
--> statement-breakpoint
CREATE TABLE "relink"."dead_letters" (
	"id" uuid PRIMARY KEY NOT NULL,
	"event_id" uuid,
	"link" text NOT NULL,
	"lane" smallint NOT NULL,
	"epoch" bigint NOT NULL,
	"event" text NOT NULL,
	"event_version" smallint NOT NULL,
	"key" text NOT NULL,
	"version" bigint NOT NULL,
	"reason" text NOT NULL,
	"detail" text NOT NULL,
	"attempts" integer NOT NULL,
	"state" text DEFAULT 'dead' NOT NULL,
	"body" text NOT NULL,
	"headers" jsonb NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"actor" text,
	"died_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	CONSTRAINT "dead_letters_state" CHECK (state in ('dead', 'redriven', 'discarded'))
);
--> statement-breakpoint
CREATE TABLE "relink"."fences" (
	"link" text NOT NULL,
	"lane" smallint NOT NULL,
	"min_epoch" bigint NOT NULL,
	CONSTRAINT "fences_link_lane_pk" PRIMARY KEY("link","lane")
);
--> statement-breakpoint
CREATE TABLE "relink"."inbox" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"link" text NOT NULL,
	"lane" smallint NOT NULL,
	"epoch" bigint NOT NULL,
	"key" text NOT NULL,
	"version" bigint NOT NULL,
	"event_version" smallint NOT NULL,
	"hash" bigint NOT NULL,
	"outcome" text NOT NULL,
	"copied" boolean DEFAULT false NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "relink"."lanes" (
	"link" text NOT NULL,
	"lane" smallint NOT NULL,
	"owner" text,
	"term" bigint DEFAULT 0 NOT NULL,
	"expires_at" timestamp with time zone DEFAULT '-infinity' NOT NULL,
	CONSTRAINT "lanes_link_lane_pk" PRIMARY KEY("link","lane")
);
--> statement-breakpoint
CREATE TABLE "relink"."links" (
	"link" text PRIMARY KEY NOT NULL,
	"epoch" bigint NOT NULL,
	"revision" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "relink"."listening" (
	"link" text PRIMARY KEY NOT NULL,
	"listening" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "relink"."outbox" (
	"leg" text NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "relink"."outbox_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"lane" smallint NOT NULL,
	"key" text NOT NULL,
	"version" bigint NOT NULL,
	"event" text NOT NULL,
	"event_version" smallint NOT NULL,
	"event_id" uuid NOT NULL,
	"body" text NOT NULL,
	"traceparent" text,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "outbox_leg_seq_pk" PRIMARY KEY("leg","seq"),
	CONSTRAINT "outbox_lane" CHECK (lane between 0 and 15)
);
--> statement-breakpoint
CREATE TABLE "relink"."parked" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"link" text NOT NULL,
	"key" text NOT NULL,
	"version" bigint NOT NULL,
	"delivery" jsonb NOT NULL,
	"parked_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "relink"."positions" (
	"link" text NOT NULL,
	"key" text NOT NULL,
	"version" bigint NOT NULL,
	CONSTRAINT "positions_link_key_pk" PRIMARY KEY("link","key")
);
--> statement-breakpoint
CREATE TABLE "relink"."relays" (
	"instance" text PRIMARY KEY NOT NULL,
	"seen_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "relink"."routes" (
	"leg" text NOT NULL,
	"lane" smallint NOT NULL,
	"transport" text NOT NULL,
	"version" smallint NOT NULL,
	"epoch" bigint NOT NULL,
	"hold" boolean DEFAULT true NOT NULL,
	"changed_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"adopted_transport" text NOT NULL,
	"adopted_version" smallint NOT NULL,
	"adopted_epoch" bigint NOT NULL,
	"carried_through" bigint DEFAULT 0 NOT NULL,
	"shadow" text,
	CONSTRAINT "routes_leg_lane_pk" PRIMARY KEY("leg","lane"),
	CONSTRAINT "routes_epoch" CHECK (adopted_epoch <= epoch),
	CONSTRAINT "routes_transport" CHECK (transport in ('sync', 'async', 'pull'))
);
--> statement-breakpoint
CREATE TABLE "relink"."shadow_results" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"link" text NOT NULL,
	"hash" bigint NOT NULL,
	"ok" boolean NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "dead_letters_open" ON "relink"."dead_letters" USING btree ("link","key") WHERE state = 'dead';--> statement-breakpoint
CREATE INDEX "inbox_received_at" ON "relink"."inbox" USING brin ("received_at");--> statement-breakpoint
CREATE INDEX "parked_turn" ON "relink"."parked" USING btree ("link","key","version");