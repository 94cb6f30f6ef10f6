CREATE TABLE "authority" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"certificate" text NOT NULL,
	"key" text NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "join_tokens" (
	"sha256" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"pop" text NOT NULL,
	"expires_at" bigint NOT NULL,
	"used_by" text,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "nodes" ADD COLUMN "pop" text;
--> statement-breakpoint
ALTER TABLE "nodes" ADD COLUMN "url" text;
--> statement-breakpoint
UPDATE "meta" SET "version" = "version" + 1;
