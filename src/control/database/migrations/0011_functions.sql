CREATE TABLE "blobs" (
	"sha256" text PRIMARY KEY NOT NULL,
	"bytes" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "functions" (
	"name" text PRIMARY KEY NOT NULL,
	"last_version" integer DEFAULT 0 NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "key_value_stores" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"comment" text NOT NULL,
	"sha256" text NOT NULL,
	"size" integer NOT NULL,
	"items" integer NOT NULL,
	"revision" integer NOT NULL,
	"created_at" bigint NOT NULL,
	"modified_at" bigint NOT NULL,
	CONSTRAINT "key_value_stores_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "function_stages" (
	"function_name" text NOT NULL,
	"stage" text NOT NULL,
	"runtime" text NOT NULL,
	"comment" text NOT NULL,
	"store" text,
	"hosts" jsonb NOT NULL,
	"sha256" text NOT NULL,
	"size" integer NOT NULL,
	"revision" integer NOT NULL,
	"created_at" bigint NOT NULL,
	"modified_at" bigint NOT NULL,
	CONSTRAINT "function_stages_function_name_stage_pk" PRIMARY KEY("function_name","stage")
);
--> statement-breakpoint
ALTER TABLE "key_value_stores" ADD CONSTRAINT "key_value_stores_sha256_blobs_sha256_fk" FOREIGN KEY ("sha256") REFERENCES "public"."blobs"("sha256") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "function_stages" ADD CONSTRAINT "function_stages_function_name_functions_name_fk" FOREIGN KEY ("function_name") REFERENCES "public"."functions"("name") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "function_stages" ADD CONSTRAINT "function_stages_store_key_value_stores_id_fk" FOREIGN KEY ("store") REFERENCES "public"."key_value_stores"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "function_stages" ADD CONSTRAINT "function_stages_sha256_blobs_sha256_fk" FOREIGN KEY ("sha256") REFERENCES "public"."blobs"("sha256") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE TEMPORARY TABLE "kept_stages" AS
	SELECT "id" AS "name", "stage", "said", decode("said" ->> 'code', 'base64') AS "code"
	FROM "cloudfront_documents",
		LATERAL (VALUES ('development', "config" -> 'development'), ('live', "config" -> 'live')) AS "stages" ("stage", "said")
	WHERE "kind" = 'Function' AND jsonb_typeof("said") = 'object';
--> statement-breakpoint
INSERT INTO "blobs" ("sha256", "bytes")
	SELECT DISTINCT encode(sha256("code"), 'hex'), "code" FROM "kept_stages";
--> statement-breakpoint
INSERT INTO "functions" ("name", "created_at")
	SELECT "name", min(("said" ->> 'createdAt')::bigint) FROM "kept_stages" GROUP BY "name";
--> statement-breakpoint
INSERT INTO "function_stages" ("function_name", "stage", "runtime", "comment", "hosts", "sha256", "size", "revision", "created_at", "modified_at")
	SELECT "name", "stage", "said" -> 'config' ->> 'Runtime', coalesce("said" -> 'config' ->> 'Comment', ''), '[]',
		encode(sha256("code"), 'hex'), octet_length("code"), ("said" ->> 'revision')::integer,
		("said" ->> 'createdAt')::bigint, ("said" ->> 'modifiedAt')::bigint
	FROM "kept_stages";
--> statement-breakpoint
DROP TABLE "kept_stages";
--> statement-breakpoint
DELETE FROM "cloudfront_documents" WHERE "kind" = 'Function';
