ALTER TABLE "manager_replicas" ADD COLUMN "nickname" text;--> statement-breakpoint
ALTER TABLE "manager_replicas" ALTER COLUMN "first_name" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "manager_replicas" ALTER COLUMN "last_name" DROP NOT NULL;