CREATE TABLE "policies" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"comment" text NOT NULL,
	"says" jsonb NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "policies_kind_name_unique" UNIQUE("kind","name")
);
--> statement-breakpoint
ALTER TABLE "distributions" ADD COLUMN "file_name" text;
--> statement-breakpoint
ALTER TABLE "distributions" ADD CONSTRAINT "distributions_file_name_unique" UNIQUE("file_name");
