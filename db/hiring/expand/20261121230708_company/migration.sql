CREATE TABLE "assessment_ratings" (
	"assessment_id" uuid PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"results" bigint NOT NULL,
	"accepted" bigint NOT NULL,
	"rating" integer NOT NULL,
	"rated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "assessment_ratings_counts" CHECK (accepted between 0 and results),
	CONSTRAINT "assessment_ratings_rating" CHECK (rating between 0 and 100)
);
--> statement-breakpoint
CREATE TABLE "assessment_replicas" (
	"id" uuid PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"author_id" uuid NOT NULL,
	"title" text NOT NULL,
	"exercises" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "assignments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"candidate_id" uuid NOT NULL,
	"assessment_id" uuid NOT NULL,
	"assigned_by" text NOT NULL,
	"assigned_at" timestamp with time zone NOT NULL,
	CONSTRAINT "assignments_once" UNIQUE("candidate_id","assessment_id")
);
--> statement-breakpoint
CREATE TABLE "candidates" (
	"id" uuid PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"name" text NOT NULL,
	"status" text NOT NULL,
	"exercises_to_solve" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "candidates_status" CHECK (status in ('candidate', 'teacher'))
);
--> statement-breakpoint
CREATE TABLE "exercise_completions" (
	"exercise_id" uuid PRIMARY KEY NOT NULL,
	"completed" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "solutions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"candidate_id" uuid NOT NULL,
	"assessment_id" uuid NOT NULL,
	"exercise_id" uuid NOT NULL,
	"author_id" uuid NOT NULL,
	"state" text NOT NULL,
	"submitted_at" timestamp with time zone NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "solutions_state" CHECK (state in ('accepted', 'rejected', 'revoked')),
	CONSTRAINT "solutions_revoked" CHECK ((state = 'revoked') = (revoked_at is not null))
);
