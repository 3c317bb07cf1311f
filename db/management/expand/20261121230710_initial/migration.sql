CREATE TABLE "assignments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"candidate_id" uuid NOT NULL,
	"assessment_id" uuid NOT NULL,
	"assigned_by" text NOT NULL,
	"assigned_at" timestamp with time zone NOT NULL,
	CONSTRAINT "assignments_once" UNIQUE("candidate_id","assessment_id")
);
--> statement-breakpoint
CREATE TABLE "candidate_replicas" (
	"id" uuid PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"name" text NOT NULL,
	"status" text NOT NULL,
	"exercises_to_solve" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "teachers" (
	"candidate_id" uuid PRIMARY KEY NOT NULL,
	"promoted_at" timestamp with time zone NOT NULL
);
