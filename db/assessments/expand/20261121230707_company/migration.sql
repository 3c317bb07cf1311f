CREATE TABLE "assessments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"author_id" uuid NOT NULL,
	"title" text NOT NULL,
	"exercises" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "assessments_exercises" ON "assessments" USING gin ("exercises" jsonb_path_ops);