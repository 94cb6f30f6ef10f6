CREATE TABLE "assets" (
	"id" text PRIMARY KEY NOT NULL,
	"path" text NOT NULL,
	"last_version" integer NOT NULL,
	"current_version" integer,
	"renditions" jsonb NOT NULL,
	"duration_seconds" double precision,
	"state" text NOT NULL,
	"active_job" text,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "assets_path_unique" UNIQUE("path")
);
--> statement-breakpoint
CREATE TABLE "distributions" (
	"id" text PRIMARY KEY NOT NULL,
	"definition" jsonb NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "invalidation_patterns" (
	"distribution_id" text NOT NULL,
	"pattern" text NOT NULL,
	"sequence" bigint NOT NULL,
	CONSTRAINT "invalidation_patterns_distribution_id_pattern_pk" PRIMARY KEY("distribution_id","pattern")
);
--> statement-breakpoint
CREATE TABLE "invalidations" (
	"id" text PRIMARY KEY NOT NULL,
	"reference" text,
	"sequence" bigint NOT NULL,
	"distribution_ids" jsonb NOT NULL,
	"paths" jsonb NOT NULL,
	"snapshot_version" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "invalidations_reference_unique" UNIQUE("reference")
);
--> statement-breakpoint
CREATE TABLE "key_group_members" (
	"group_id" text NOT NULL,
	"key_id" text NOT NULL,
	CONSTRAINT "key_group_members_group_id_key_id_pk" PRIMARY KEY("group_id","key_id")
);
--> statement-breakpoint
CREATE TABLE "key_groups" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"sha1" text NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "key_groups_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"job_id" text NOT NULL,
	"attempt" integer NOT NULL,
	"node_id" text NOT NULL,
	"asset_id" text NOT NULL,
	"publication_id" text,
	"state" text NOT NULL,
	"deadline" bigint NOT NULL,
	CONSTRAINT "leases_job_id_attempt_pk" PRIMARY KEY("job_id","attempt")
);
--> statement-breakpoint
CREATE TABLE "meta" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"epoch" text NOT NULL,
	"version" bigint NOT NULL,
	"sequence" bigint NOT NULL,
	"fallback_distribution" text
);
--> statement-breakpoint
CREATE TABLE "nodes" (
	"id" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"public_key" jsonb NOT NULL,
	"origin" text NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "public_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"type" text NOT NULL,
	"pem" text NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "publications" (
	"id" text PRIMARY KEY NOT NULL,
	"asset_id" text NOT NULL,
	"path" text NOT NULL,
	"version" integer NOT NULL,
	"state" text NOT NULL,
	"file_name" text NOT NULL,
	"size" bigint NOT NULL,
	"ladder" jsonb NOT NULL,
	"progress" jsonb,
	"error" jsonb,
	"renditions" jsonb NOT NULL,
	"snapshot_version" bigint,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"sha256" text NOT NULL,
	"scopes" jsonb NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "tokens_sha256_unique" UNIQUE("sha256")
);
--> statement-breakpoint
ALTER TABLE "key_group_members" ADD CONSTRAINT "key_group_members_group_id_key_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."key_groups"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "key_group_members" ADD CONSTRAINT "key_group_members_key_id_public_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."public_keys"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "leases_by_deadline" ON "leases" USING btree ("deadline");--> statement-breakpoint
CREATE INDEX "publications_of_asset" ON "publications" USING btree ("asset_id","version");--> statement-breakpoint
CREATE INDEX "publications_by_state" ON "publications" USING btree ("state");