ALTER TABLE "migration"."certificates" ADD COLUMN "round" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "migration"."certificates" DROP CONSTRAINT "certificates_one_per_epoch";--> statement-breakpoint
ALTER TABLE "migration"."certificates" ADD CONSTRAINT "certificates_one_per_epoch" UNIQUE("link","consumer","epoch","round");