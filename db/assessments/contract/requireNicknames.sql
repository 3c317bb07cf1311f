-- When COMM-010 is version 1 for good: no build writes a manager without a nickname.
ALTER TABLE "managers" ALTER COLUMN "nickname" SET NOT NULL;
