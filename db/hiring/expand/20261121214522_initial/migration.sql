CREATE TABLE "manager_replicas" (
	"id" uuid PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"first_name" text NOT NULL,
	"last_name" text NOT NULL
);
