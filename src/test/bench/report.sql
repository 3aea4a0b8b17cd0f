-- report.sql - medians, ratios and verdicts; as CSV for the script that calls it.
SELECT c.name AS "case",
	CASE WHEN kind <> 'alone' THEN round(m.written::numeric, 1) END AS "hand-written", round(m.guarded::numeric, 1) AS protected, c.unit,
	CASE kind WHEN 'ratio' THEN round(m.figure::numeric, 3)::text ELSE round(m.figure::numeric, 1) || ' ' || c.unit END AS figure,
	CASE kind WHEN 'ratio' THEN c.target::text ELSE c.target || ' ' || c.unit END AS target,
	CASE WHEN m.figure <= c.target THEN 'pass' WHEN c.target IS NOT NULL THEN 'short' END AS verdict
FROM bench_case c JOIN LATERAL (
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY written) AS written, percentile_cont(0.5) WITHIN GROUP (ORDER BY guarded) AS guarded,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE c.kind WHEN 'ratio' THEN guarded / written WHEN 'over' THEN guarded - written ELSE guarded END) AS figure
	FROM sample s WHERE s.key = c.key) m ON m.guarded IS NOT NULL
ORDER BY c.place
