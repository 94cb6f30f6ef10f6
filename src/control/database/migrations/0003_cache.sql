UPDATE "distributions" SET "definition" = '{"errors": []}'::jsonb || "definition"
	|| jsonb_build_object('behaviours', (
		SELECT coalesce(jsonb_agg(
			'{"forward": "none", "cookies": "none", "methods": "read", "compress": true}'::jsonb || "behaviour"
			ORDER BY "place"), '[]'::jsonb)
		FROM jsonb_array_elements("definition"->'behaviours') WITH ORDINALITY AS "each"("behaviour", "place")
	))
	|| jsonb_build_object('origins', (
		SELECT coalesce(jsonb_agg(
			CASE WHEN "origin"->>'kind' = 'http'
				THEN '{"protocol": "as-url", "httpPort": 80, "httpsPort": 443, "attempts": 3, "connectTimeout": 10, "responseTimeout": 30, "keepAlive": 5}'::jsonb || "origin"
				ELSE "origin" END
			ORDER BY "place"), '[]'::jsonb)
		FROM jsonb_array_elements("definition"->'origins') WITH ORDINALITY AS "each"("origin", "place")
	));
--> statement-breakpoint
UPDATE "meta" SET "version" = "version" + 1;
