CREATE TABLE "behaviour" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"fail_percent" integer NOT NULL,
	"delay_ms" integer NOT NULL,
	"time_out_percent" integer NOT NULL,
	CONSTRAINT "behaviour_one" CHECK (id = 1)
);
--> statement-breakpoint
CREATE TABLE "transfers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "transfers_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"idempotency_key" text NOT NULL,
	"kind" text NOT NULL,
	"account_id" uuid NOT NULL,
	"amount_minor" bigint NOT NULL,
	"link" text NOT NULL,
	"made_at" timestamp with time zone NOT NULL,
	CONSTRAINT "transfers_once" UNIQUE("idempotency_key"),
	CONSTRAINT "transfers_seq" UNIQUE("seq"),
	CONSTRAINT "transfers_kind" CHECK (kind in ('credit', 'debit')),
	CONSTRAINT "transfers_amount" CHECK (amount_minor > 0)
);
--> statement-breakpoint
CREATE INDEX "transfers_account" ON "transfers" USING btree ("account_id","seq");