-- forms_report.sql - the forms of a policy as ratios to the hand-written WHERE.
SELECT form AS "policy, ratio to the hand-written WHERE", max(ratio) FILTER (WHERE who = 'own') AS "174 rows of one owner",
	max(ratio) FILTER (WHERE who = 'fields') AS "10%, three fields", max(ratio) FILTER (WHERE who = 'everything') AS "everything, count(*)",
	max(ratio) FILTER (WHERE who = 'nothing') AS "nothing"
FROM (SELECT form, who, round(ratio::numeric, CASE WHEN ratio < 10 THEN 2 ELSE 0 END) AS ratio
	FROM (SELECT form, who, percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio) AS ratio FROM form_sample GROUP BY form, who) g) r
	JOIN form f ON f.name = r.form
GROUP BY f.place, form ORDER BY f.place
