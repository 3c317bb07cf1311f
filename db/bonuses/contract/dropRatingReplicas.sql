-- When COMM-060 is `pull` for good: bonuses asks hiring for ratings and keeps none.
DROP TABLE IF EXISTS "rating_replicas";
