ALTER TABLE "nodes" ADD COLUMN "viewers" jsonb;
