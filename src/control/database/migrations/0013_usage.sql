CREATE TABLE "usage_books" (
	"node" text NOT NULL,
	"book" text NOT NULL,
	"life" text NOT NULL,
	"sequence" bigint NOT NULL,
	"hash" text NOT NULL,
	"until" bigint NOT NULL,
	"taken_at" bigint NOT NULL,
	CONSTRAINT "usage_books_node_book_life_pk" PRIMARY KEY("node","book","life")
);
--> statement-breakpoint
CREATE TABLE "usage_hours" (
	"node" text NOT NULL,
	"place" text NOT NULL,
	"distribution" text NOT NULL,
	"hour" bigint NOT NULL,
	"type" text NOT NULL,
	"detail" text NOT NULL,
	"amount" bigint NOT NULL,
	CONSTRAINT "usage_hours_hour_distribution_node_place_type_detail_pk" PRIMARY KEY("hour","distribution","node","place","type","detail")
);
--> statement-breakpoint
CREATE TABLE "usage_gaps" (
	"node" text NOT NULL,
	"book" text NOT NULL,
	"life" text NOT NULL,
	"kind" text NOT NULL,
	"after" bigint NOT NULL,
	"from" bigint NOT NULL,
	"until" bigint NOT NULL,
	"found_at" bigint NOT NULL,
	CONSTRAINT "usage_gaps_node_book_life_kind_after_pk" PRIMARY KEY("node","book","life","kind","after")
);
--> statement-breakpoint
CREATE INDEX "usage_gaps_by_time" ON "usage_gaps" USING btree ("until");
