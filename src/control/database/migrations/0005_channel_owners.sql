ALTER TABLE "channels" ADD COLUMN "owner" text;
--> statement-breakpoint
CREATE TABLE "origin_leases" (
	"node_id" text PRIMARY KEY NOT NULL,
	"heard_at" bigint NOT NULL
);
