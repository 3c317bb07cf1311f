CREATE TABLE "relink"."given_up" (
	"leg" text,
	"event_id" uuid,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "given_up_pkey" PRIMARY KEY("leg","event_id")
);
