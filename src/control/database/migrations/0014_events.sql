CREATE TABLE "events" (
	"id" text PRIMARY KEY NOT NULL,
	"number" bigint NOT NULL,
	"type" text NOT NULL,
	"subject" text NOT NULL,
	"at" bigint NOT NULL,
	"data" jsonb NOT NULL,
	CONSTRAINT "events_number_unique" UNIQUE("number")
);
--> statement-breakpoint
CREATE INDEX "events_by_type" ON "events" USING btree ("type","at");
