-- report.sql - medians, ratios and verdicts.
SELECT case_name AS "case", round(w::numeric, 1) AS "WHERE, us", round(g::numeric, 1) AS "protected, us", round((g / w)::numeric, 2) AS ratio,
	target, CASE WHEN g / w <= target THEN 'pass' WHEN target IS NOT NULL THEN 'short' END AS verdict
FROM (SELECT case_name, target, min(ctid) AS first, percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE variant = 'written') AS w,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE variant = 'guarded') AS g
	FROM result GROUP BY case_name, target) r
ORDER BY first;
