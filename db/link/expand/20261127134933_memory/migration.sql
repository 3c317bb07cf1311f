CREATE TABLE "relink"."memory" (
	"is_only" boolean PRIMARY KEY DEFAULT true,
	"kept_from" uuid NOT NULL,
	CONSTRAINT "memory_only" CHECK (is_only)
);
