-- When COMM-010 is version 1 for good: managers are known by their nicknames.
ALTER TABLE "manager_replicas"
	DROP COLUMN IF EXISTS "first_name",
	DROP COLUMN IF EXISTS "last_name",
	ALTER COLUMN "nickname" SET NOT NULL;
