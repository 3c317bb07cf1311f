CREATE TABLE "migration"."contract_retirements" (
	"event" text,
	"version" smallint,
	"reason" text NOT NULL,
	"evidence" jsonb NOT NULL,
	"retired_by" text NOT NULL,
	"retired_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "contract_retirements_pkey" PRIMARY KEY("event","version")
);
--> statement-breakpoint
CREATE TABLE "migration"."contract_uses" (
	"contract" bigint,
	"link" text,
	"service" text,
	"side" text,
	"instance" text,
	"first_seen" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"last_seen" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "contract_uses_pkey" PRIMARY KEY("contract","link","service","side","instance"),
	CONSTRAINT "contract_uses_side" CHECK (side in ('producer', 'consumer'))
);
--> statement-breakpoint
CREATE TABLE "migration"."contracts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "migration"."contracts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"event" text NOT NULL,
	"version" smallint NOT NULL,
	"hash" text NOT NULL,
	"schema" text NOT NULL,
	"registered_by" text NOT NULL,
	"registered_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "contracts_one_per_text" UNIQUE("event","version","hash")
);
--> statement-breakpoint
ALTER TABLE "migration"."contract_uses" ADD CONSTRAINT "contract_uses_contract_contracts_id_fkey" FOREIGN KEY ("contract") REFERENCES "migration"."contracts"("id");