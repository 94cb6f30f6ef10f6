CREATE TABLE "issuers" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"definition" jsonb NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "issuers_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "origin_access" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"signing" text NOT NULL,
	"credentials" jsonb,
	"created_at" bigint NOT NULL,
	CONSTRAINT "origin_access_name_unique" UNIQUE("name")
);
--> statement-breakpoint
ALTER TABLE "key_groups" ADD COLUMN "without_resource" text DEFAULT 'refuse' NOT NULL;
--> statement-breakpoint
UPDATE "distributions" SET "definition" = jsonb_set("definition", '{behaviours}', (
	SELECT coalesce(jsonb_agg(
		'{"carry": "none", "headers": []}'::jsonb
			|| "behaviour"
			|| CASE WHEN jsonb_typeof("behaviour"->'gate') = 'object'
				THEN jsonb_build_object('gate', '{"issuers": []}'::jsonb || ("behaviour"->'gate'))
				ELSE '{}'::jsonb END
		ORDER BY "place"), '[]'::jsonb)
	FROM jsonb_array_elements("definition"->'behaviours') WITH ORDINALITY AS "each"("behaviour", "place")
));
--> statement-breakpoint
UPDATE "meta" SET "version" = "version" + 1;
