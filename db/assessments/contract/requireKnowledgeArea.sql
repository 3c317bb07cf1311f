-- When COMM-020 and COMM-021 carry only version 1: every title is split, and none is stored whole any more.
DO $$
DECLARE whole bigint;
BEGIN
	LOCK TABLE "assessments" IN SHARE ROW EXCLUSIVE MODE;
	SELECT count(*) INTO whole FROM "assessments" WHERE "knowledge_area" IS NULL;
	IF whole > 0 THEN
		RAISE EXCEPTION '% rows of assessments have their title whole; store them as version 1 first (StoreRows)', whole;
	END IF;
END $$;
ALTER TABLE "assessments" ALTER COLUMN "knowledge_area" SET NOT NULL;
