ALTER TABLE "managers" ADD COLUMN "nickname" text;--> statement-breakpoint
CREATE UNIQUE INDEX "managers_nickname" ON "managers" ("nickname") WHERE nickname is not null;