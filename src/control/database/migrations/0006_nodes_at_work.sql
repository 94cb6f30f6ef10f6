ALTER TABLE "nodes" ADD COLUMN "draining_since" bigint;
--> statement-breakpoint
CREATE TABLE "controls" (
	"url" text PRIMARY KEY NOT NULL,
	"seen_at" bigint NOT NULL
);
