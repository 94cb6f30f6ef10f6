ALTER TABLE "nodes" ADD COLUMN "keeper" text;
