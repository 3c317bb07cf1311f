CREATE TABLE "bookings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "bookings_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"solution_id" uuid NOT NULL,
	"assessment_id" uuid NOT NULL,
	"manager_id" uuid NOT NULL,
	"amount_minor" bigint NOT NULL,
	"rating" integer NOT NULL,
	"rating_version" bigint NOT NULL,
	"booked_at" timestamp with time zone NOT NULL,
	CONSTRAINT "bookings_once" UNIQUE("solution_id","kind"),
	CONSTRAINT "bookings_kind" CHECK (kind in ('credit', 'debit')),
	CONSTRAINT "bookings_amount" CHECK (amount_minor >= 0)
);
--> statement-breakpoint
CREATE TABLE "ledger_entries" (
	"booking_id" uuid NOT NULL,
	"account" text NOT NULL,
	"amount_minor" bigint NOT NULL,
	CONSTRAINT "ledger_entries_booking_id_account_pk" PRIMARY KEY("booking_id","account")
);
--> statement-breakpoint
CREATE TABLE "rating_replicas" (
	"assessment_id" uuid PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"rating" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_booking_id_bookings_id_fk" FOREIGN KEY ("booking_id") REFERENCES "public"."bookings"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "bookings_statement" ON "bookings" USING btree ("manager_id","seq");--> statement-breakpoint
CREATE INDEX "ledger_entries_account" ON "ledger_entries" USING btree ("account");