-- takes back: dropRatingReplicas
-- The table as the expand changes made it, to be filled by a backfill.
CREATE TABLE IF NOT EXISTS "rating_replicas" (
	"assessment_id" uuid PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"rating" integer NOT NULL
);
