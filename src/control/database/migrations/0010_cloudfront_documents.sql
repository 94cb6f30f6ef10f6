CREATE TABLE "cloudfront_documents" (
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"name" text,
	"reference" text,
	"config" jsonb,
	"revision" integer NOT NULL,
	"tags" jsonb NOT NULL,
	"created_at" bigint NOT NULL,
	"modified_at" bigint NOT NULL,
	CONSTRAINT "cloudfront_documents_kind_id_pk" PRIMARY KEY("kind","id")
);
--> statement-breakpoint
ALTER TABLE "distributions" ADD COLUMN "snapshot_version" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "distributions" ADD COLUMN "modified_at" bigint;
