CREATE TABLE "channels" (
	"id" text PRIMARY KEY NOT NULL,
	"path" text NOT NULL,
	"key_group" text NOT NULL,
	"reconnect_ms" integer NOT NULL,
	"stops" bigint NOT NULL,
	"lease" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "channels_path_unique" UNIQUE("path")
);
--> statement-breakpoint
ALTER TABLE "channels" ADD CONSTRAINT "channels_key_group_key_groups_id_fk" FOREIGN KEY ("key_group") REFERENCES "public"."key_groups"("id") ON DELETE no action ON UPDATE no action;