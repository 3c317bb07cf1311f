CREATE TABLE "relink"."skips" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "relink"."skips_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"link" text NOT NULL,
	"key" text NOT NULL,
	"from_version" bigint NOT NULL,
	"through_version" bigint NOT NULL,
	"reason" text NOT NULL,
	"actor" text NOT NULL,
	"skipped_at" timestamp with time zone DEFAULT now() NOT NULL
);
