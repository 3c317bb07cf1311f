CREATE TABLE "relink"."settled" (
	"link" text,
	"lane" smallint,
	"epoch" bigint,
	"event_version" smallint,
	"outcome" text,
	"shard" integer,
	"count" bigint NOT NULL,
	"sum" numeric NOT NULL,
	CONSTRAINT "settled_pkey" PRIMARY KEY("link","lane","epoch","event_version","outcome","shard")
);
