CREATE INDEX "assignments_assessment" ON "assignments" ("assessment_id");--> statement-breakpoint
CREATE INDEX "solutions_candidate" ON "solutions" ("candidate_id");